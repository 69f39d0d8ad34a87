"""The disk of a whole server is full for a while: what it accepted is applied, and it goes on."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector

from tests import data_folder
from tests.evals_backend.running import ROOT, running
from tests.faults.disks import fill, make_room, small_disk
from tests.faults.labelling import Project, rows
from tests.waiting import eventually

MEGABYTES = 400  # an empty database takes 100
TASKS = 30


@pytest.fixture
def disk():
    folder = Path(tempfile.mkdtemp(prefix="evals-small-"))
    with small_disk(folder / "data", MEGABYTES) as mounted:
        folder.chmod(0o755)
        yield mounted
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def server(disk):
    with tempfile.TemporaryDirectory() as place:
        ready = data_folder.prepare(Path(place) / "data")
        subprocess.run(["cp", "-a", f"{ready}/.", str(disk)], check=True)
    with running(disk) as server:
        try:
            yield server
        finally:
            make_room(disk)


COUNT = """
from mlapi.monitoring import counters
counters.reserve_space()
counters.REQUESTS.labels("health", "GET", "200").inc(7)
"""


def test_the_space_of_a_process_for_its_counters_is_taken_before_it_counts(tmp_path):
    counting = {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    subprocess.run([sys.executable, "-c", COUNT], env=os.environ | counting, cwd=ROOT, check=True)
    found = [path.stat() for path in tmp_path.glob("*.db") if path.stat().st_size >= 2**20]
    assert len(found) == 2
    assert all(512 * file.st_blocks >= file.st_size for file in found)
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=str(tmp_path))
    labels = {"route": "health", "method": "GET", "status": "200"}
    assert registry.get_sample_value("evals_requests_total", labels) == 7


@pytest.mark.nightly
def test_events_accepted_around_a_full_disk_are_applied(server, disk):
    project = Project(server, server.key)
    project.setup()
    accepted = 0
    for task in range(1, TASKS + 1):
        accepted += project.label(task, "Positive" if task % 2 else "Negative") < 300
    assert accepted == TASKS
    assert eventually(project.setup)
    statuses = set()
    for _ in range(3):
        fill(disk)
        for task in range(1, 10 * TASKS):
            status = project.label(1 + task % TASKS, "Positive" if task % 3 else "Negative")
            statuses.add(status)
            accepted += status < 300
        assert server.get("/health").status == 200
        # The database may be down when a process has a champion to load that it had not before.
        assert eventually(lambda: project.predict()[0] == 200)
        project.start_training()
        make_room(disk)
        assert eventually(lambda: project.label(1, "Positive") < 300)
        accepted += 1
    print(f"{accepted} events accepted; {statuses}")
    assert statuses <= {200, 201, 503}
    received = "SELECT count(*) FROM registry_event WHERE status = 'received'"
    assert eventually(lambda: rows(server, received) == [(0,)])
    stored = (
        "SELECT status, count(*) FROM registry_event WHERE action LIKE 'ANNOTATION%%' GROUP BY 1"
    )
    found = dict(rows(server, stored))
    assert sum(found.values()) >= accepted
    assert set(found) <= {"applied", "stale"}, found
    before = rows(server, "SELECT count(*) FROM registry_modelversion")
    assert eventually(lambda: project.start_training() < 300)
    assert eventually(lambda: rows(server, "SELECT count(*) FROM registry_modelversion") > before)

"""The processes of docker-compose.yml, each started and health-checked as there."""

import signal
import subprocess
import sys
from contextlib import closing

import pytest

from tests import data_folder
from tests.ports import free_port
from tests.postgres import connect
from tests.waiting import eventually

from .running import ROOT, STOPPED_WITHIN_S, environment, processes_of


@pytest.fixture
def stage(new_data_dir):
    """Starts processes over one database and data folder, and ends them."""
    data_dir, port, started = data_folder.prepare(new_data_dir()), free_port(), []
    env = environment(data_dir, PORT=str(port))

    class Stage:
        def start(self, process: str) -> subprocess.Popen:
            command = [sys.executable, "-m", "evals_backend.serve", process]
            started.append(subprocess.Popen(command, cwd=ROOT, env=env))
            return started[-1]

        def is_well(self, process: str) -> bool:
            command = [sys.executable, "manage.py", "health", process]
            done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)
            assert done.returncode in {0, 1}, done.stderr
            return done.returncode == 0

        def has_worker(self) -> bool:
            with closing(connect(data_dir)) as connection, connection.cursor() as cursor:
                cursor.execute("SELECT 1 FROM registry_worker WHERE cluster = 'events'")
                return cursor.fetchone() is not None

    stage = Stage()
    stage.data_dir = data_dir
    yield stage
    for process in started:
        process.send_signal(signal.SIGTERM)
        process.wait(STOPPED_WITHIN_S)


def test_web_starts_the_database_and_workers_join_it(stage):
    web = stage.start("web")
    # To ask costs a start of Python, which would take the time from the one that is awaited.
    assert eventually((stage.data_dir / "first-login.txt").exists)
    assert eventually(lambda: stage.is_well("web"))
    assert not stage.is_well("events")
    worker = stage.start("events")
    assert eventually(stage.has_worker)
    assert eventually(lambda: stage.is_well("events"))
    assert not stage.is_well("training")

    # Each has become the requested process, so that a container's stop signal reaches it.
    for process in (web, worker):
        process.send_signal(signal.SIGTERM)
        process.wait(STOPPED_WITHIN_S)
    assert not stage.is_well("web")
    assert eventually(lambda: processes_of(stage.data_dir) == [])

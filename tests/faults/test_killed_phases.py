"""A worker that is killed in every phase of a run: the run is tried again, no version half-made.

The phases are those that a whole run goes through here, so a new one is among them.
"""

import os
import signal
import subprocess
import time
from collections.abc import Iterator

import psutil
import pytest

from mlapi.child_process import folder
from mlapi.jobs import maintenance
from registry import artifacts
from registry.actions import run_starts
from registry.models import ModelVersion, Project, TrainingRun
from tests.faults.killing import SECONDS
from tests.faults.processes import python
from tests.mlapi.training.projects import label, labelled_project

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.nightly]
WORK = """
import sys, django
django.setup()
from mlapi.training.run import carry_out
from mlapi.worker import worker_name
carry_out(int(sys.argv[1]), worker_name())
"""


def queued_run(project: Project) -> TrainingRun:
    """The project's waiting run, or a new one."""
    waiting = project.runs.filter(state="queued").first()
    return waiting or run_starts.start(project, trigger=TrainingRun.Trigger.POLICY)[0]


def worker(run: TrainingRun) -> subprocess.Popen:
    """A worker in a process of its own, which carries out the run."""
    return python("-c", WORK, str(run.pk), start_new_session=True)


def phases_of(run: TrainingRun) -> list[str]:
    (phases,) = TrainingRun.objects.filter(pk=run.pk).values_list("phases", flat=True)
    return [phase["name"] for phase in phases]


def has_reached(run: TrainingRun, process: subprocess.Popen, phase: str) -> bool:
    """Wait until the run is in the phase; False where it ended before."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        if phase in phases_of(run):
            return True
        if process.poll() is not None:
            return False
        time.sleep(0.005)
    raise AssertionError(f"{phase} did not begin")


@pytest.fixture
def reaped_at_once(monkeypatch) -> Iterator[None]:
    """A worker that is gone counts as gone without ten seconds of waiting."""
    monkeypatch.setattr("registry.actions.workers._GONE_AFTER_S", 0)
    yield
    folder.sweep(young_s=0)


def test_a_worker_that_is_killed_in_any_phase_leaves_nothing_half_made(reaped_at_once):
    project = labelled_project({"Positive": 35, "Negative": 25})
    whole = queued_run(project)
    with worker(whole) as process:
        process.wait(SECONDS)
    whole.refresh_from_db()
    assert whole.state == "succeeded", whole.error
    phases = list(dict.fromkeys(phases_of(whole)))
    assert {"reading labels", "freezing the dataset", "verifying", "registering"} <= set(phases)
    killed = 0
    for i, phase in enumerate(phases):
        label(project, {"Positive": 3}, first_id=1000 + 10 * i)
        before = ModelVersion.objects.count()
        run = queued_run(project)
        with worker(run) as process:
            was_reached = has_reached(run, process, phase)
            below = psutil.Process(process.pid).children(recursive=True) if was_reached else []
            if was_reached:
                os.kill(process.pid, signal.SIGKILL)
        psutil.wait_procs(below, timeout=SECONDS)
        assert not any(map(psutil.Process.is_running, below)), phase
        maintenance.reap()
        run.refresh_from_db()
        made = ModelVersion.objects.count() - before
        if run.state == "succeeded":  # it had ended when it was killed
            assert made == 1, phase
        else:
            assert (run.state, run.error_code) == ("failed", "worker_lost"), phase
            killed += 1
            assert not hasattr(run, "version") or made == 1, phase
        for version in ModelVersion.objects.all():
            assert artifacts.read(version)
        assert project.runs.filter(state__in=["queued", "running"]).count() <= 1, phase
        folder.sweep(young_s=0)
        assert list(folder.home().glob("run-*")) == [], phase
    print(f"killed in {killed} of {len(phases)} phases: {', '.join(phases)}")
    assert killed > len(phases) / 2  # the others had ended before they were polled
    last = queued_run(project)
    with worker(last) as process:
        process.wait(SECONDS)
    last.refresh_from_db()
    assert last.state == "succeeded"

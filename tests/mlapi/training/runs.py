"""Runs that are carried out with the small child in place of the real programs."""

import json
import threading
import time

import psutil
from django.db import connections

from mlapi.child_process import folder
from mlapi.child_process.supervise import Limits
from mlapi.training.run import carry_out
from registry.actions import run_starts
from registry.models import Project, TrainingRun
from tests.waiting import PATIENCE_S

from .projects import small_programs

GENEROUS_LIMITS = Limits(seconds=600, memory_mb=4096)


def queued_run(project: Project, **fields) -> TrainingRun:
    fields = {"trigger": TrainingRun.Trigger.ADMIN, "actor": "tester", **fields}
    return run_starts.start(project, **fields)[0]


def finished_run(project: Project, limits: Limits = GENEROUS_LIMITS, **behaviours) -> TrainingRun:
    run = queued_run(project)
    return carry_out(run.pk, "worker@test", programs=small_programs(**behaviours), limits=limits)


def wait_for(condition, seconds: float = PATIENCE_S):
    """The value of the condition as soon as it is true; the limit is for a busy machine."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError("it did not happen in time")


class BackgroundRun:
    """Carries the run out in a thread, as a worker elsewhere would."""

    def __init__(self, run: TrainingRun, **behaviours) -> None:
        self.run, self.behaviours = run, behaviours

    def __enter__(self) -> "BackgroundRun":
        self.pids_file = folder.home() / "pids.json"
        self.pids_file.unlink(missing_ok=True)
        self.thread = threading.Thread(target=self._carry_out)
        self.thread.start()
        return self

    def __exit__(self, *_) -> None:
        self.thread.join(PATIENCE_S)
        assert not self.thread.is_alive()
        self.run.refresh_from_db()

    def pids(self) -> list[int]:
        def read():
            try:
                return json.loads(self.pids_file.read_text())
            except (OSError, ValueError):
                return None

        return wait_for(read)

    def _carry_out(self) -> None:
        try:
            carry_out(
                self.run.pk,
                "worker@test",
                programs=small_programs(**self.behaviours),
                limits=GENEROUS_LIMITS,
            )
        finally:
            connections.close_all()


def is_running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False

"""Keeps a run's heart beating beside its work, and learns when someone wants it ended."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from django.db import Error, close_old_connections, connection

from mlapi.worker import shutdown_requested
from registry.actions import runs
from registry.actions.runs import RunNotActive
from registry.models import TrainingRun

log = structlog.get_logger(__name__)

_BEAT_S = 1.0


class Cancelled(Exception):  # noqa: N818 - not a failure: someone asked for it
    """Someone asked to cancel the run."""


class RunTakenOver(Exception):  # noqa: N818 - the run is someone else's by now
    """The run was taken away: reaped, or ended by someone else. Nothing more may be written."""


class WorkerStopped(SystemExit):
    """The worker was told to stop."""


class Heartbeat:
    """One beat a second from a thread with a database connection of its own.

    A sync with Label Studio or a wait for the mirror's lock may take minutes; the reaper
    must not take the run meanwhile. While `uninterruptible` is set, the heartbeat itself finishes
    a cancelled run, because the work is where it cannot be interrupted.
    """

    def __init__(self, run: TrainingRun) -> None:
        self._run = TrainingRun(pk=run.pk)
        self._stop = threading.Event()
        self._cancelled = threading.Event()
        self._taken_over = threading.Event()
        self._uninterruptible = threading.Event()
        self._thread = threading.Thread(target=self._beat, name=f"heartbeat-of-run-{run.pk}")

    def check(self) -> None:
        """Raises RunTakenOver, Cancelled or WorkerStopped."""
        if self._taken_over.is_set():
            raise RunTakenOver
        if self._cancelled.is_set():
            raise Cancelled
        if shutdown_requested.is_set():
            raise WorkerStopped("the worker was told to stop")

    @contextmanager
    def uninterruptible(self) -> Iterator[None]:
        """For work that cannot be interrupted; raises RunTakenOver or Cancelled after it."""
        self._uninterruptible.set()
        try:
            yield
        finally:
            self._uninterruptible.clear()
        self.check()

    def __enter__(self) -> "Heartbeat":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _beat(self) -> None:
        try:
            while not self._stop.wait(_BEAT_S) and not self._taken_over.is_set():
                self._beat_once()
        finally:
            connection.close()

    def _beat_once(self) -> None:
        try:
            if runs.record_heartbeat(self._run):
                self._cancelled.set()
                if self._uninterruptible.is_set():
                    runs.finish_cancel(self._run)
        except RunNotActive:
            self._taken_over.set()
        except Error:
            # The database may be away for a moment; the reaper decides if it is for long.
            log.exception("heartbeat not written", run=self._run.pk)
            close_old_connections()

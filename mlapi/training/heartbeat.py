"""Keeps a run's row up to date: its heartbeat, phase and log, and the request to cancel it."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import structlog
from django.db import Error, close_old_connections, connection
from django.utils import timezone

from mlapi.worker import shutdown_requested
from registry.actions import runs
from registry.actions.runs import RunNotActive
from registry.error_codes import INPUT_HINTS
from registry.models import TrainingRun
from registry.models.run import RunKind

log = structlog.get_logger(__name__)

_BEAT_S = 1.0
# A training that starts waits until the challenger has ended.
_CHALLENGER_BEAT_S = 0.25
# The child's own 0..1 lies between freezing the dataset and verifying the artifact.
_CHILD_FROM, _CHILD_TO = 0.05, 0.9


class Cancelled(Exception):  # noqa: N818 - not a failure: it was requested
    """The cancellation of the run was requested."""


class RunTakenOver(Exception):  # noqa: N818 - the run is someone else's by now
    """The run was reaped or ended by another process: nothing more may be written."""


class WorkerStopped(SystemExit):
    """The worker was told to stop."""


class Heartbeat:
    """Sends a run's heartbeat from a background thread, and polls for cancellation.

    Each second, and of a challenger more often. The thread has a database connection of its own: a
    sync with Label Studio or a wait for the mirror's lock may take minutes, and the reaper must not
    take the run meanwhile. Within `uninterruptible` the thread itself finishes a cancelled run.
    """

    def __init__(self, run: TrainingRun) -> None:
        self._run = TrainingRun(pk=run.pk)
        self._beat_s = _CHALLENGER_BEAT_S if run.kind == RunKind.CHALLENGER else _BEAT_S
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
        """Surrounds work that cannot be interrupted everywhere: a cancelled run ends at once.

        Raises RunTakenOver or Cancelled after it.
        """
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
            while not self._stop.wait(self._beat_s) and not self._taken_over.is_set():
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


class RunLog:
    """Writes phase, progress, log and statements to the run's row; each call is a heartbeat."""

    def __init__(self, run: TrainingRun) -> None:
        self._run = run
        self._unreadable: dict[str, dict[str, int]] = {}  # by the version's part

    def phase(self, name: str, progress: float) -> None:
        """Enters a phase; the previous one gets its duration."""
        runs.record_heartbeat(self._run, phase=name, progress=progress)

    def write(self, text: str) -> None:
        """Appends to the log, with the time."""
        if text:
            runs.record_heartbeat(self._run, log=_stamped(text))

    def append(self, text: str) -> None:
        """Appends to the log of a run that may have ended, with the time."""
        runs.append_log(self._run, _stamped(text))

    def append_progress(self, lines: list[dict[str, Any]]) -> None:
        """Appends lines of the child's progress.jsonl, with one heartbeat for all of them."""
        log, statements, progress = "", [], None
        entered: list[tuple[str, datetime]] = []
        for line in lines:
            if line.get("phase"):
                entered.append((line["phase"], _when(line.get("at"))))
            if line.get("log"):
                log += _stamped(str(line["log"]))
            if line.get("unreadable"):
                self._unreadable[line.get("part", "")] = line["unreadable"]
                self._count_unreadable()
            if line.get("statement"):
                statements.append(line["statement"])
            if line.get("progress") is not None:
                progress = _CHILD_FROM + (_CHILD_TO - _CHILD_FROM) * float(line["progress"])
        runs.record_heartbeat(
            self._run,
            entered=entered,
            progress=progress,
            log=log or None,
            statements=statements or None,
        )

    def _count_unreadable(self) -> None:
        """Stores why tasks have no input that can be read, with the cure for each reason.

        The counts of several parts are added up, with each one's own beside the sum.
        """
        sums: Counter[str] = Counter()
        for tasks in self._unreadable.values():
            sums.update(tasks)
        reasons = [
            {"code": code, "tasks": n, "hint": INPUT_HINTS.get(code, ""), **self._parts(code)}
            for code, n in sorted(sums.items(), key=lambda item: (-item[1], item[0]))
        ]
        counts = {**self._run.dataset_counts, "unreadable": reasons}
        runs.set_details(self._run, dataset_counts=counts)

    def _parts(self, code: str) -> dict[str, dict[str, int]]:
        """The tasks of each part that have the reason; nothing for a run of one part."""
        named = {name: tasks[code] for name, tasks in self._unreadable.items() if code in tasks}
        return {} if "" in named else {"parts": named}


def _when(seconds: Any) -> datetime:
    """The child's time of a line, by this machine's clock; now where it has none."""
    return datetime.fromtimestamp(seconds, UTC) if isinstance(seconds, float) else timezone.now()


def _stamped(text: str) -> str:
    return f"{timezone.now():%H:%M:%S} {text.rstrip()}\n"

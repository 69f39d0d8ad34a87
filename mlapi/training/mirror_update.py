"""Brings the mirror up to date for a run, which then learns from it as it is."""

import time
from collections.abc import Callable
from typing import Any

import structlog

from mlapi.child_process.supervise import TimeLimit
from mlapi.labelstudio.credentials import candidates
from mlapi.labelstudio.interruptible import Checkpoint
from mlapi.mirror.process_events import process_pending_events, received
from mlapi.mirror.reading import SyncReport
from mlapi.mirror.sync import sync
from mlapi.training import policy
from mlapi.training.heartbeat import Cancelled, RunLog, RunTakenOver
from registry.actions import projects
from registry.errors import EvalsError
from registry.formatting import reading_text, unreadable_tasks_text
from registry.models import Project, TrainingRun

log = structlog.get_logger(__name__)

# The steps of a connection check without which no task can be read.
_READING_STEPS = frozenset({"reach", "token", "project", "export"})
# So long a run waits for another process that reads its project, or applies its events.
_BUSY_S, _POLL_S = 30.0, 0.2


class LabelsUnread(EvalsError):
    """The labels do not suffice, and those that Label Studio has could not be read."""

    code = "labels_unread"

    @classmethod
    def instead_of(cls, failure: EvalsError, unread: EvalsError) -> "LabelsUnread":
        """Of a run that failed for want of labels after a reading that failed: with its cause."""
        cause = unread.message.rstrip(".")
        message = f"Label Studio could not be read: {cause}. {failure.message}"
        error = cls(message, hint=unread.hint or None)
        error.code = unread.code if unread.code != EvalsError.code else cls.code
        return error


def bring_up_to_date(
    run: TrainingRun, run_log: RunLog, checkpoint: Checkpoint
) -> EvalsError | None:
    """Applies the received events, and syncs for Start Training and if the mirror is incomplete.

    A failure is written to the run's log, and the first one that left labels unread is returned;
    the run then learns from the mirror as it is. Raises what `checkpoint` does, which is called
    all the while.
    """
    unapplied = _apply_events(run, run_log, checkpoint)
    project = run.project
    project.refresh_from_db()
    incomplete = project.data_outdated or (project.synced_at is None and bool(candidates(project)))
    is_start = run.trigger == TrainingRun.Trigger.START_TRAINING
    if project.is_being_read and policy.is_enough_for_now(project):
        unread = None  # the rest comes in meanwhile
    elif is_start or incomplete:
        unread = _sync(run, run_log, checkpoint)
    else:
        unread = _failed_reading(project)
    project.refresh_from_db()
    if so_far := reading_text(project.read_so_far):
        run_log.write(so_far)
    if unreadable := unreadable_tasks_text(project.unreadable_tasks):
        run_log.write(f"{unreadable}: nothing is learned from data that could not be read.")
    return unapplied or unread


def _apply_events(run: TrainingRun, run_log: RunLog, checkpoint: Checkpoint) -> EvalsError | None:
    """Applies the events received so far; waits a while for another process that applies them."""
    what = "Applying received events"
    last = received(run.project_id).order_by("-pk").values_list("pk", flat=True).first()

    def apply() -> bool:
        process_pending_events(run.project_id, checkpoint)
        return last is None or not received(run.project_id).filter(pk__lte=last).exists()

    until = time.monotonic() + _BUSY_S
    while True:
        is_applied, failure = _try(run_log, what, apply)
        if is_applied or failure:
            return failure
        if time.monotonic() > until:
            run_log.write("The received events are being applied by another process.")
            hint = "Start the training again when they have been applied."
            return EvalsError("Its events are being applied by another process", hint=hint)
        checkpoint()
        time.sleep(_POLL_S)


def _failed_reading(project: Project) -> EvalsError | None:
    """Why the last sync could not read; None if it could, whatever else of the connection fails."""
    step = project.failed_step
    if step.get("step") not in _READING_STEPS:
        return None
    return _unread(step.get("detail", ""), step.get("cure"), step.get("code"))


def _unread(message: str, hint: str | None, code: str | None) -> EvalsError:
    error = EvalsError(message, hint=hint or "")
    error.code = code or error.code
    return error


def _sync(run: TrainingRun, run_log: RunLog, checkpoint: Checkpoint) -> EvalsError | None:
    what = "Reading from Label Studio"
    report, failure = _try(run_log, what, lambda: _read(run, checkpoint))
    projects.requeue_syncs()
    if report is None:
        return failure
    if report.is_busy:
        run_log.write("Label Studio is being read by another process.")
        hint = "Start the training again when it has been read."
        return EvalsError("It is being read by another process", hint=hint)
    if report.is_interrupted:
        projects.request_sync(run.project, "the rest of a first reading")
    if report.export_error:
        run_log.write(f"Its export failed, so its pages were read: {report.export_error}")
    if report.error is None:
        return None
    run_log.write(f"{what} failed: {report.error['message']}")
    return _unread(report.error["message"], report.error["hint"], report.error["code"])


def _read(run: TrainingRun, checkpoint: Checkpoint) -> SyncReport:
    """Reads the project; a first time until that is enough for a first version.

    Waits a while for another process that reads it.
    """
    project, until = run.project, time.monotonic() + _BUSY_S
    while True:
        report = sync(
            project,
            f"run {run.pk}",
            checkpoint=checkpoint,
            enough=lambda: policy.is_enough_for_now(project),
        )
        if not report.is_busy or time.monotonic() > until:
            return report
        checkpoint()
        time.sleep(_POLL_S)


def _try(run_log: RunLog, what: str, action: Callable[[], Any]) -> tuple[Any, EvalsError | None]:
    """What the action returns, and why it failed."""
    try:
        return action(), None
    except (Cancelled, RunTakenOver, TimeLimit):
        raise
    except EvalsError as error:
        run_log.write(f"{what} failed: {error.sentence}")
        log.warning("mirror not brought up to date", step=what, error=error.message)
        return None, error
    except Exception as error:
        cause = f"{type(error).__name__}: {error}"
        run_log.write(f"{what} failed: {cause}")
        log.exception("mirror not brought up to date", step=what)
        return None, EvalsError(f"{what} failed: {cause}", hint="See the worker's log.")

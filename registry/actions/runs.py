"""What happens to a training run after its start, until its end.

States move by conditional UPDATE, so a late one changes nothing.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F, Func, JSONField, Value
from django.db.models.functions import Concat, Right
from django.utils import timezone

from registry.errors import Refused
from registry.json_sanitize import sanitize
from registry.models import ModelVersion, TrainingRun
from registry.models.run import RunState

from . import base, notifications, run_starts

LOG_MAX_CHARACTERS = 200_000
_DETAILS = {
    "dataset_fingerprint",
    "dataset_counts",
    "dataset_file",
    "snapshot_at",
    "candidates",
    "comparison",
    "parameters",
}


class RunNotActive(Refused):
    """The run has ended, or another worker or the reaper has moved it on."""

    code = "run_not_active"


class CancelRequested(Exception):  # noqa: N818 - not a failure: it was asked for
    """The run is to end."""


def _move(run: TrainingRun, come_from: str, **fields: Any) -> None:
    """Conditional UPDATE of one run; raises RunNotActive if it is not in `come_from` any more."""
    if not TrainingRun.objects.filter(pk=run.pk, state=come_from).update(**fields):
        raise RunNotActive(f"Run {run.pk} is not {come_from} any more.")
    run.refresh_from_db()


def claim(run_id: int, worker: str) -> TrainingRun | None:
    """Take a queued run for this worker; None if another took it, or it was cancelled."""
    now = timezone.now()
    claimed = TrainingRun.objects.filter(pk=run_id, state=RunState.QUEUED).update(
        state=RunState.RUNNING, worker=worker[:255], started_at=now, heartbeat_at=now
    )
    if not claimed:
        return None
    return TrainingRun.objects.select_related("project__champion").get(pk=run_id)


def record_heartbeat(
    run: TrainingRun,
    *,
    phase: str | None = None,
    entered: Sequence[tuple[str, datetime]] = (),
    progress: float | None = None,
    log: str | None = None,
    statements: list[dict[str, Any]] | None = None,
) -> bool:
    """Record a heartbeat, with what it appends; True if someone asked to cancel the run.

    It enters a phase now, or has entered some at their times. Raises RunNotActive if the run was
    taken away (reaped): its worker must stop.
    """
    now = timezone.now()
    fields: dict[str, Any] = {"heartbeat_at": now}
    if phase is not None:
        entered = [(phase, now)]
    for name, began_at in entered:
        if name != run.phase:
            run.phases = [*closed_phases(run, began_at), _opened(name, began_at)]
            run.phase = run.phases[-1]["name"]
            fields |= {"phase": run.phase, "phases": run.phases}
    if progress is not None:
        fields["progress"] = min(max(progress, 0.0), 1.0)
    if log:
        fields["log"] = _appended(log)
    if statements:
        fields["statements"] = Func(
            F("statements"),
            Value(sanitize(statements), output_field=JSONField()),
            template="%(expressions)s",
            arg_joiner=" || ",
            output_field=JSONField(),
        )
    if not TrainingRun.objects.filter(pk=run.pk, state=RunState.RUNNING).update(**fields):
        raise RunNotActive(f"Run {run.pk} is not running any more.")
    for name in ("progress", "heartbeat_at"):
        if name in fields:
            setattr(run, name, fields[name])
    run.cancel_requested = TrainingRun.objects.values_list("cancel_requested", flat=True).get(
        pk=run.pk
    )
    return run.cancel_requested


def _opened(phase: str, began_at: datetime) -> dict[str, Any]:
    return {"name": sanitize(phase)[:64], "started_at": began_at.isoformat(), "seconds": None}


def closed_phases(run: TrainingRun, ended_at: datetime | None = None) -> list[dict[str, Any]]:
    """The run's phases with the last one's duration filled in, until `ended_at` or now."""
    if not run.phases or run.phases[-1]["seconds"] is not None:
        return list(run.phases)
    began = datetime.fromisoformat(run.phases[-1]["started_at"])
    seconds = round(((ended_at or timezone.now()) - began).total_seconds(), 3)
    return [*run.phases[:-1], run.phases[-1] | {"seconds": max(seconds, 0.0)}]


def append_log(run: TrainingRun, text: str) -> None:
    """Append to the log of a run, also of one that has ended."""
    TrainingRun.objects.filter(pk=run.pk).update(log=_appended(text))


def _appended(text: str) -> Right:
    """The log with the text, without its beginning where it would be too long."""
    return Right(Concat(F("log"), Value(sanitize(text))), LOG_MAX_CHARACTERS)


def set_details(run: TrainingRun, **fields: Any) -> None:
    """Set the dataset, candidates and comparison of a running run."""
    unknown = set(fields) - _DETAILS
    if unknown:
        raise TypeError(f"set_details() takes no {', '.join(sorted(unknown))}")
    fields = {
        name: sanitize(value) if isinstance(value, str | list | dict) else value
        for name, value in fields.items()
    }
    if not base.update_row(run, fields, state=RunState.RUNNING):
        raise RunNotActive(f"Run {run.pk} is not running any more.")


@transaction.atomic
def succeed(run: TrainingRun, *, same_as: ModelVersion | None = None) -> None:
    """running -> succeeded; `same_as` is the champion whose content it has found again."""
    _move(
        run,
        RunState.RUNNING,
        state=RunState.SUCCEEDED,
        same_as=same_as,
        progress=1.0,
        phases=closed_phases(run),
        ended_at=timezone.now(),
    )
    run_starts.start_follow_up(run)


def require_not_cancelled(run: TrainingRun) -> None:
    """Raise CancelRequested if the run is to end; its row is locked until the transaction ends.

    So a training that starts meanwhile waits, and is compared with what the run promotes.
    """
    locked = TrainingRun.objects.select_for_update(no_key=True).only("cancel_requested")
    if locked.get(pk=run.pk).cancel_requested:
        raise CancelRequested(f"Run {run.pk} is to end.")


@transaction.atomic
def fail(run: TrainingRun, code: str, message: str, hint: str = "") -> None:
    """running -> failed, with a stable code, the cause and the cure."""
    _move(
        run,
        RunState.RUNNING,
        state=RunState.FAILED,
        error_code=code[:64],
        error=sanitize(message),
        hint=sanitize(hint),
        phases=closed_phases(run),
        ended_at=timezone.now(),
    )
    notifications.run_failed(run)
    run_starts.start_follow_up(run)


def finish_cancel(run: TrainingRun) -> None:
    """running -> cancelled: the worker has stopped as asked. A follow-up is cancelled with it."""
    _move(
        run,
        RunState.RUNNING,
        state=RunState.CANCELLED,
        phases=closed_phases(run),
        ended_at=timezone.now(),
    )


@transaction.atomic
def cancel(run_id: int, *, actor: str, reason: str = "") -> TrainingRun:
    """End a queued run at once; ask a running one to stop. Raises RunNotActive if it has ended.

    The order matters: a run only ever goes from queued to running, so one that is
    claimed between the two statements is met by the second.
    """
    runs = TrainingRun.objects.filter(pk=run_id)
    moved = runs.filter(state=RunState.QUEUED).update(
        state=RunState.CANCELLED, cancel_requested=True, ended_at=timezone.now()
    ) or runs.filter(state=RunState.RUNNING).update(cancel_requested=True)
    if not moved:
        raise RunNotActive(f"Run {run_id} has ended already.")
    run = runs.select_related("project").get()
    base.record("cancel", actor=actor, project=run.project, reason=reason, run=run)
    return run

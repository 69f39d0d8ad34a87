"""Actions on training runs. States move by conditional UPDATE, so a late one changes nothing."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Func, JSONField, Q, Value
from django.db.models.functions import Concat, Right
from django.utils import timezone

from registry import queue
from registry.errors import Refused
from registry.json_sanitize import sanitize
from registry.models import Event, ModelVersion, Project, TrainingRun
from registry.models.event import EventStatus
from registry.models.run import ACTIVE_STATES, ACTIVE_TRAINING, RunKind, RunState

from . import base, notifications

LOG_MAX_CHARACTERS = 200_000
# What a run fails with whose process was lost, perhaps by no fault of its own.
_LOST = frozenset({"child_crashed", "worker_lost"})

Trigger = TrainingRun.Trigger
# Starts by people, by the reaper and for an old format have an audit entry; for those by Label
# Studio and the policy the run's own trigger is enough.
_RECORDED_STARTS = {
    Trigger.ADMIN,
    Trigger.API,
    Trigger.COMMAND,
    Trigger.RETRY,
    Trigger.FORMAT,
}
# Starts that somebody waits for: the run that they join must learn from the labels of that moment.
_REQUESTED_STARTS = {
    Trigger.START_TRAINING,
    Trigger.TRAIN_ROUTE,
    Trigger.ADMIN,
    Trigger.API,
    Trigger.COMMAND,
}
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


class RunStillActive(Refused):
    """Only a run that failed or was cancelled can be tried again."""

    code = "run_not_failed"


def start(
    project: Project,
    *,
    trigger: str,
    kind: str = RunKind.TRAINING,
    actor: str = "",
    reason: str = "",
    parameters: dict[str, Any] | None = None,
    retry_of: TrainingRun | None = None,
) -> tuple[TrainingRun, bool]:
    """Queue a run, or return the active one with False: a project has at most one of a kind.

    The database decides (`run_one_active_per_kind`), so any number of callers at once
    get the same run. A training ends all challengers with its start; a challenger isn't queued
    beside an active training of its project, which is returned then. A requested start of a
    training leaves its request on a run that has frozen older labels (`follow_up`), and the next
    run is queued when that one ends.
    """
    is_requested = kind == RunKind.TRAINING and trigger in _REQUESTED_STARTS
    while True:
        run = TrainingRun(
            project=project,
            kind=kind,
            trigger=trigger,
            actor=sanitize(actor)[:150],
            parameters=sanitize(parameters or {}),
            retry_of=retry_of,
        )
        with transaction.atomic():
            training = _active_training(project) if kind == RunKind.CHALLENGER else None
            if training is not None:
                return training, False
            if _insert_unless_active(run):
                if trigger in _RECORDED_STARTS:
                    base.record("train", actor=actor, project=project, reason=reason, run=run)
                queue.train(run.pk)
                return run, True
        active = TrainingRun.objects.filter(project=project, kind=kind, state__in=ACTIVE_STATES)
        found = active.first()
        if found is not None and is_requested and has_newer_labels(found):
            _request_follow_up(found, trigger=trigger, actor=actor, reason=reason)
        if found is not None and found.is_active:
            return found, False
        # It ended between the two statements: the place is free again.


def has_newer_labels(run: TrainingRun) -> bool:
    """Whether a running training may lack labels that have come in by now.

    Labels changed after its dataset was frozen, or events wait that it may freeze it without.
    """
    if run.state != RunState.RUNNING or run.kind != RunKind.TRAINING:
        return False
    return _changed_since(run)


def _changed_since(run: TrainingRun) -> bool:
    """Whether labels changed after the run froze its dataset, or wait in events."""
    project = Project.objects.filter(pk=run.project_id)
    frozen_at = run.snapshot_at
    if frozen_at is not None and project.filter(labels_changed_at__gt=frozen_at).exists():
        return True
    return Event.objects.filter(project=run.project_id, status=EventStatus.RECEIVED).exists()


def _request_follow_up(run: TrainingRun, *, trigger: str, actor: str, reason: str) -> None:
    """Leave the request on the running run, unless it has one or has ended; refresh its row."""
    request = sanitize({"trigger": str(trigger), "actor": actor, "reason": reason})
    running = TrainingRun.objects.filter(pk=run.pk, state=RunState.RUNNING)
    running.filter(follow_up__isnull=True).update(follow_up=request)
    run.refresh_from_db(fields=["state", "follow_up"])


def start_follow_up(run: TrainingRun) -> TrainingRun | None:
    """Queue the run that the ended one's `follow_up` requests; None without one, or without need.

    It is not needed where the run has frozen all labels after all, or has not come so far: its
    failure is the answer to the request then.
    """
    if not run.follow_up or run.snapshot_at is None or not _changed_since(run):
        return None
    following, started = start(run.project, **run.follow_up)
    return following if started else None


@transaction.atomic
def start_for_format(project: Project, *, actor: str, reason: str) -> TrainingRun | None:
    """Queue the run that replaces a champion whose artifact has an old format.

    None where the project has an active run, or had one for that reason: if that one made no
    version, another would make none either.
    """
    project = base.lock(project)
    blocking = ACTIVE_TRAINING | Q(trigger=Trigger.FORMAT)
    if project.runs.filter(blocking).exists():
        return None
    run, started = start(project, trigger=Trigger.FORMAT, actor=actor, reason=reason)
    return run if started else None


def start_challenger(training: TrainingRun) -> TrainingRun | None:
    """Queue a challenger with the training's parameters; None where a run of the project is active.

    Whatever starts next ends it, so it takes no worker from a training.
    """
    run, started = start(
        training.project,
        trigger=Trigger.CHALLENGER,
        kind=RunKind.CHALLENGER,
        actor=f"run {training.pk}",
        parameters=training.parameters,
    )
    return run if started else None


def _active_training(project: Project) -> TrainingRun | None:
    return project.runs.filter(ACTIVE_TRAINING).first()


# A challenger ends as `cancel` would end it, in the order of ids, so that of two trainings that
# start at once one waits for the other.
_END_CHALLENGERS = """
WITH challenger AS (
    SELECT id FROM registry_trainingrun
    WHERE kind = 'challenger' AND state IN ('queued', 'running') AND NOT cancel_requested
    ORDER BY id FOR UPDATE
), ended AS (
    UPDATE registry_trainingrun AS run SET
        cancel_requested = TRUE,
        state = CASE run.state WHEN 'queued' THEN 'cancelled' ELSE run.state END,
        ended_at = CASE run.state WHEN 'queued' THEN now() END,
        log = run.log || 'A training has begun, so this challenger ends.' || chr(10)
    FROM challenger WHERE run.id = challenger.id
)
"""


def _insert_unless_active(run: TrainingRun) -> bool:
    """INSERT .. ON CONFLICT DO NOTHING .. RETURNING, which the ORM does not offer.

    One statement where a savepoint would take three, also with the end of challengers: /webhook
    has a budget.
    """
    fields = [f for f in TrainingRun._meta.concrete_fields if not f.primary_key]
    columns = ", ".join(str(f.column) for f in fields)
    marks = ", ".join(["%s"] * len(fields))
    table = TrainingRun._meta.db_table
    values = [f.get_db_prep_save(f.pre_save(run, add=True), connection) for f in fields]
    before = _END_CHALLENGERS if run.kind == RunKind.TRAINING else ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"{before}INSERT INTO {table} ({columns}) VALUES ({marks})"  # noqa: S608 - names of our own
            " ON CONFLICT DO NOTHING RETURNING id",
            values,
        )
        row = cursor.fetchone()
    if row is None:
        return False
    run.pk = row[0]
    run._state.adding = False
    run._state.db = connection.alias
    return True


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
    start_follow_up(run)


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
    start_follow_up(run)


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


def retry(run: TrainingRun, *, actor: str, reason: str = "") -> tuple[TrainingRun, bool]:
    """Queue a failed or cancelled run again, with its parameters, on today's labels."""
    run.refresh_from_db()
    if run.state not in {RunState.FAILED, RunState.CANCELLED}:
        raise RunStillActive(f"Run {run.pk} is {run.state}: there is nothing to try again.")
    return start(
        run.project,
        trigger=Trigger.RETRY,
        kind=run.kind,
        actor=actor,
        reason=reason,
        parameters=run.parameters,
        retry_of=run,
    )


def retry_by_worker(run: TrainingRun, reason: str) -> TrainingRun | None:
    """Queue a failed run again; None where a cancellation was requested before it failed."""
    run.refresh_from_db()
    if run.state != RunState.FAILED or run.cancel_requested:
        return None
    again, started = retry(run, actor="worker", reason=reason)
    return again if started else None


def retry_once(run: TrainingRun) -> TrainingRun | None:
    """Queue a run again whose process was lost, with the reason; None if it isn't to be.

    A run that replaced a lost one is not replaced again: what kills two kills the third.
    """
    run.refresh_from_db()
    replaced = run.retry_of.error_code in _LOST if run.retry_of else False
    if run.error_code not in _LOST or replaced:
        return None
    return retry_by_worker(run, run.error)

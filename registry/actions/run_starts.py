"""Starts and retries of training runs: a project has at most one active run of a kind."""

from typing import Any

from django.db import connection, transaction
from django.db.models import Q

from registry import queue
from registry.errors import Refused
from registry.json_sanitize import sanitize
from registry.models import Event, Project, TrainingRun
from registry.models.event import EventStatus
from registry.models.run import ACTIVE_STATES, ACTIVE_TRAINING, RunKind, RunState

from . import base

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
            if kind == RunKind.CHALLENGER:
                _lock_starts(project)
                training = _active_training(project)
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


# Held to the end of the transaction. Starts of one project wait for each other, so that of a
# challenger and a training the later one sees the earlier one.
_LOCK_STARTS = "SELECT pg_advisory_xact_lock(%s, %s)"
_STARTS = 0x53544152


def _lock_starts(project: Project) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_LOCK_STARTS, _starts_key(project.pk))


def _starts_key(project_id: int) -> list[int]:
    return [_STARTS, project_id % 2**31]


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

    Sent at once where a savepoint would take three statements, also with the lock and the end of
    challengers: /webhook has a budget. The lock is a statement of its own, after which the next one
    sees what was committed meanwhile.
    """
    fields = [f for f in TrainingRun._meta.concrete_fields if not f.primary_key]
    columns = ", ".join(str(f.column) for f in fields)
    marks = ", ".join(["%s"] * len(fields))
    table = TrainingRun._meta.db_table
    values = [f.get_db_prep_save(f.pre_save(run, add=True), connection) for f in fields]
    before = _END_CHALLENGERS if run.kind == RunKind.TRAINING else ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"{_LOCK_STARTS}; {before}"  # noqa: S608 - names of our own
            f"INSERT INTO {table} ({columns}) VALUES ({marks})"
            " ON CONFLICT DO NOTHING RETURNING id",
            [*_starts_key(run.project_id), *values],
        )
        row = cursor.fetchone()
    if row is None:
        return False
    run.pk = row[0]
    run._state.adding = False
    run._state.db = connection.alias
    return True


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

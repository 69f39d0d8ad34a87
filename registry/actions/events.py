"""Actions on events: store one without its secrets, its outcome, and the ids that it deleted."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.utils import timezone

from registry import queue
from registry.errors import Refused
from registry.json_sanitize import sanitize
from registry.models import Event, Project, Tombstone, TrainingRun
from registry.models.event import EventStatus

# The config that Label Studio parsed is dropped with the secrets: it is large and says
# nothing that label_config does not.
_SECRET_PATHS = {
    ("project", "token"),
    ("project", "task_data_password"),
    ("project", "task_data_login"),
    ("project", "parsed_label_config"),
    ("params", "login"),
    ("params", "password"),
}
_SET_OUTCOMES = """
UPDATE registry_event SET status = new.status, outcome = new.outcome, processed_at = %s
FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS new (id, status, outcome)
WHERE registry_event.id = new.id AND registry_event.status = %s
"""
# A request whose job has not begun for so long: it waits for workers, or is lost.
PROCESSING_LOST_AFTER = timedelta(seconds=15)
# Not durable, nor is the job that is queued with it: they only wake a worker, and a job that is
# lost is queued again. The lock is that of the job, of the project.
_REQUEST = """
UPDATE registry_project SET events_queued_at = %(now)s
WHERE id = %(project)s AND (events_queued_at IS NULL OR events_queued_at < %(lost)s)
    AND NOT EXISTS (
        SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid = %(lock)s
            AND objid = %(project)s AND objsubid = 2
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    )
    AND set_config('synchronous_commit', 'off', true) IS NOT NULL
RETURNING (SELECT events_queued_at FROM registry_project WHERE id = %(project)s)
"""
_BATCH = 1_000
_PURGED_AT_ONCE = 5_000


class EventProcessed(Refused):
    """The event has an outcome already."""

    code = "event_processed"


def _is_secret(path: tuple[str, ...]) -> bool:
    """A task's own data is the user's, whatever its fields are called; elsewhere names decide."""
    if "data" in path[:-1]:
        return False
    return path in _SECRET_PATHS or path[-1] == "access_token"


def record(
    project: Project | None,
    action: str,
    payload: dict[str, Any],
    *,
    source: str = Event.Source.WEBHOOK,
    request_id: str = "",
    status: str = EventStatus.RECEIVED,
    outcome: str = "",
    run: TrainingRun | None = None,
) -> Event:
    """Write an event, one query. One that is not RECEIVED has been processed, with its outcome."""
    return Event.objects.create(
        project=project,
        action=sanitize(action)[:64],
        payload=sanitize(payload, drop=_is_secret),
        source=source,
        request_id=sanitize(request_id)[:64],
        status=status,
        outcome=sanitize(outcome),
        run=run,
        processed_at=None if status == EventStatus.RECEIVED else timezone.now(),
    )


def request_processing(project_id: int) -> None:
    """On commit, queue the job that processes the project's events, unless one will see them.

    That is one that is queued, or one that runs: both look for events again after they let go of
    the project.
    """
    transaction.on_commit(lambda: _queue_processing(project_id))


def _queue_processing(project_id: int) -> None:
    now = timezone.now()
    lost = now - PROCESSING_LOST_AFTER
    keys: dict[str, Any] = {"now": now, "lost": lost, "project": project_id}
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_REQUEST, keys | {"lock": queue.PROCESSING_LOCK})
            requested = cursor.fetchone()
        if requested is None:
            return
        (requested_before,) = requested
        if requested_before is None or project_id not in queue.waiting_projects("process_events"):
            # In the same transaction: the caller waits for one commit only, the event's.
            queue.process_events(project_id, on_commit=False)


def begin_processing(project_id: int) -> None:
    """From now on another job may be queued for the project's events."""
    Project.objects.filter(pk=project_id, events_queued_at__isnull=False).update(
        events_queued_at=None
    )


class EventOutcome(NamedTuple):
    """How an event's processing ended: its new status, and what came of it in one sentence."""

    event: int
    status: str
    text: str


def set_outcomes(outcomes: Sequence[EventOutcome]) -> None:
    """Set the outcomes of received events, in one statement.

    Raises EventProcessed if one of them has its outcome already; none is set then, in a
    transaction of the caller's that is rolled back.
    """
    if not outcomes:
        return
    columns: list[list[Any]] = [
        [outcome.event for outcome in outcomes],
        [outcome.status for outcome in outcomes],
        [sanitize(outcome.text) for outcome in outcomes],
    ]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_SET_OUTCOMES, [timezone.now(), *columns, EventStatus.RECEIVED])
        if cursor.rowcount != len(outcomes):
            raise EventProcessed("Of these events one has its outcome already.")


def record_tombstones(project: Project, deleted_at: Mapping[tuple[str, int], datetime]) -> None:
    """Store tombstones of these kinds and ids; one that exists gets the new time."""
    Tombstone.objects.bulk_create(
        [
            Tombstone(project=project, kind=kind, labelstudio_id=number, deleted_at=at)
            for (kind, number), at in sorted(deleted_at.items())
        ],
        batch_size=_BATCH,
        update_conflicts=True,
        unique_fields=["project", "kind", "labelstudio_id"],
        update_fields=["deleted_at"],
    )


def purge_problems(before: datetime) -> int:
    """Delete what could not be predicted, and what was refused, before then; returns the rows.

    The kinds of events that are not kept for ever: they hold nothing that Label Studio told us
    and that would be lost.
    """
    purged = 0
    for source in (Event.Source.PREDICT, Event.Source.REFUSED):  # each has its own index
        old = Event.objects.filter(source=source, received_at__lt=before).order_by("pk")
        while ids := list(old.values_list("pk", flat=True)[:_PURGED_AT_ONCE]):
            purged += Event.objects.filter(pk__in=ids).delete()[0]
    return purged

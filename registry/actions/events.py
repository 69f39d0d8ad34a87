"""Actions on events: store one without its secrets, its outcome, and the ids that it deleted."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.utils import timezone

from registry.errors import Refused
from registry.json_sanitize import sanitize
from registry.models import Event, Project, Tombstone, TrainingRun
from registry.models.event import EventStatus

from . import base

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


def set_outcome(event: Event, status: str, outcome: str, run: TrainingRun | None = None) -> None:
    """Set the status and outcome of a received event. Raises EventProcessed if it has one."""
    fields = {
        "status": status,
        "outcome": sanitize(outcome),
        "run": run,
        "processed_at": timezone.now(),
    }
    if not base.update_row(event, fields, status=EventStatus.RECEIVED):
        raise EventProcessed(f"Event {event.pk} has its outcome already.")


def record_tombstones(
    project: Project, kind: str, labelstudio_ids: Iterable[int], at: datetime
) -> None:
    """Store tombstones of these ids; one that exists gets the new time."""
    Tombstone.objects.bulk_create(
        [
            Tombstone(project=project, kind=kind, labelstudio_id=number, deleted_at=at)
            for number in sorted(set(labelstudio_ids))
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

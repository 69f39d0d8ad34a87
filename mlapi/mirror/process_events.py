"""Applies a project's received events in order, and stores the outcome of each."""

import structlog
from django.db import InterfaceError, OperationalError, transaction

from mlapi.labelstudio import events
from mlapi.locks import EVENTS, project_lock
from mlapi.mirror import apply_changes, prequential, tombstones
from mlapi.mirror.apply_changes import Applied
from mlapi.mirror.unit_of_work import TaskUnitOfWork
from registry.actions import events as event_actions
from registry.actions import projects
from registry.models import Event, ModelVersion, Project
from registry.models.event import EventStatus

log = structlog.get_logger(__name__)


def process_pending_events(project_id: int) -> int:
    """Apply the project's received events in order; the number that was processed.

    One process per project: a second call returns at once, and the first looks for events again
    after it has released the lock, so that none is left. An event that cannot be applied is
    marked as failed, with the reason, and does not affect the others. Requests a sync if an
    event had too little data.
    """
    processed = 0
    while True:
        with project_lock(project_id, purpose=EVENTS) as first:
            if not first:
                return processed
            processed += _process_all(project_id)
        if not _received(project_id).exists():
            return processed


def _process_all(project_id: int) -> int:
    champions = prequential.Champions()
    reasons: list[str | None] = []
    while version := _process_received(project_id, champions, reasons):
        champions.load(version)  # while the mirror is not locked
    if reason := next(filter(None, reasons), None):
        projects.request_sync(Project.objects.get(pk=project_id), reason)
    return len(reasons)


def _process_received(
    project_id: int, champions: prequential.Champions, reasons: list[str | None]
) -> ModelVersion | None:
    """Process the received events, and append to `reasons` why each needs a sync, or None.

    Stops before an event for which a version has to predict that is not loaded, and returns the
    version. Nothing of that event is written then, and it is read again afterwards, so that a
    sync or a promotion in between is respected.
    """
    with project_lock(project_id, wait=True):
        project = Project.objects.select_related("champion").get(pk=project_id)
        apply_changes.refresh_stored_config(project)
        while event := _received(project_id).order_by("id").first():
            try:
                reasons.append(_process_event(project, event, champions))
            except prequential.NotLoaded as needed:
                return needed.version
    return None


def _received(project_id: int):
    return Event.objects.filter(project_id=project_id, status=EventStatus.RECEIVED)


def _process_event(project: Project, event: Event, champions: prequential.Champions) -> str | None:
    """Apply one event; the reason for a sync, None without one."""
    try:
        return _apply(project, event, champions)
    except (InterfaceError, OperationalError, prequential.NotLoaded):
        raise  # not caused by the event: it stays received
    except Exception as e:
        log.exception("event_not_applied", event_id=event.pk, action=event.action)
        event_actions.set_outcome(event, EventStatus.FAILED, f"{type(e).__name__}: {e}"[:1000])
        # Changes of the instance may have been rolled back in the database.
        project.refresh_from_db()
        return "an event could not be applied"


def _apply(project: Project, event: Event, champions: prequential.Champions) -> str | None:
    changes = _changes(project, event)
    for change in changes:
        if isinstance(change, events.PutProject):
            apply_changes.relabel(project, change.label_config)
    deleted = tombstones.deleted_ids(project, changes)
    unit = TaskUnitOfWork(project, changes)
    predicted = [
        (change.task_id, prequential.predict(project, first, champions))
        for change in changes
        if isinstance(change, events.PutAnnotation)
        and not deleted.has(change)
        and (
            first := prequential.first_labels(
                project, change, unit.row(change.task_id), unit.served.targets
            )
        )
    ]
    with transaction.atomic():
        applied = apply_changes.apply(project, changes, unit, deleted)
        event_project = events.project_of(event.payload)
        event_config = event_project.label_config if event_project else None
        if apply_changes.note_other_config(project, changes, event_config):
            applied.need_sync = "its task is as another label config shows it"
        for task_id, outcomes in predicted:
            prequential.record(unit.row(task_id), outcomes)
        tombstones.record(event, project, changes)
        event_actions.set_outcome(event, *_outcome(applied))
    return applied.need_sync


def _changes(project: Project, event: Event) -> list[events.Change]:
    """The event's changes; also its project, for a project without a label config."""
    changes = events.changes(event.action, event.payload)
    event_project = events.project_of(event.payload)
    if not project.label_config and event_project and event_project.label_config:
        return [event_project, *changes] if event_project not in changes else changes
    return changes


def _outcome(applied: Applied) -> tuple[str, str]:
    """An event's status, and its outcome in one sentence."""
    if applied.ignored and not applied.had_effect and not applied.need_sync:
        return EventStatus.IGNORED, applied.ignored[0]
    if applied.stale and not applied.had_effect:
        return EventStatus.STALE, "What is stored is newer."
    parts = [
        _count_of(applied.written, "changed"),
        _count_of(applied.removed_annotations, "annotations removed"),
        _count_of(applied.removed_tasks, "tasks removed"),
        _count_of(len(applied.labelled), "labels changed"),
        _count_of(applied.stale, "stale"),
        "other targets or labels" if applied.config_changed else "",
        f"asks for a sync: {applied.need_sync}" if applied.need_sync else "",
    ]
    outcome = "; ".join(part for part in parts if part)
    return EventStatus.APPLIED, outcome or "nothing of it was mirrored"


def _count_of(n: int, what: str) -> str:
    return f"{n} {what}" if n else ""

"""Applies a project's received events in order, and settles each with what became of it."""

import structlog
from django.db import InterfaceError, OperationalError, transaction

from mlapi.labelstudio import events
from mlapi.locks import DRAIN, project_lock
from mlapi.mirror import apply_changes, prequential, tombstones
from mlapi.mirror.apply_changes import Applied
from mlapi.mirror.unit_of_work import Desk
from registry.actions import events as event_actions
from registry.actions import projects
from registry.models import Event, ModelVersion, Project
from registry.models.event import EventStatus

log = structlog.get_logger(__name__)


def drain(project_id: int) -> int:
    """Apply the project's received events in order; return how many were processed.

    One drain per project: a second one leaves, and the first looks again after it has given
    the lock back, so that no event waits for the next. An event that cannot be applied
    is marked as failed, with the reason, and stops none. Afterwards it asks for a sync
    where an event said too little.
    """
    processed = 0
    while True:
        with project_lock(project_id, purpose=DRAIN) as first:
            if not first:
                return processed
            processed += _drain(project_id)
        if not _received(project_id).exists():
            return processed


def _drain(project_id: int) -> int:
    champions = prequential.Champions()
    reasons: list[str | None] = []
    while version := _settle_received(project_id, champions, reasons):
        champions.load(version)  # while the mirror is free for others
    if reason := next(filter(None, reasons), None):
        projects.request_sync(Project.objects.get(pk=project_id), reason)
    return len(reasons)


def _settle_received(
    project_id: int, champions: prequential.Champions, reasons: list[str | None]
) -> ModelVersion | None:
    """Settle what was received, and add to `reasons` why each event needs a sync, if it does.

    Stops before an event of which a version has to be asked that is not loaded, and returns the
    version. Nothing of that event is written by then, and it is read anew afterwards: what
    came in between, a sync or another champion, counts.
    """
    with project_lock(project_id, wait=True):
        project = Project.objects.select_related("champion").get(pk=project_id)
        apply_changes.heal_config(project)
        while event := _received(project_id).order_by("id").first():
            try:
                reasons.append(_settle(project, event, champions))
            except prequential.NotLoaded as needed:
                return needed.version
    return None


def _received(project_id: int):
    return Event.objects.filter(project_id=project_id, status=EventStatus.RECEIVED)


def _settle(project: Project, event: Event, champions: prequential.Champions) -> str | None:
    """Apply one event; why Label Studio has to be asked afterwards, if it has to."""
    try:
        return _apply(project, event, champions)
    except (InterfaceError, OperationalError, prequential.NotLoaded):
        raise  # no fault of the event's: it stays received
    except Exception as e:
        log.exception("event_not_applied", event_id=event.pk, action=event.action)
        event_actions.set_outcome(event, EventStatus.FAILED, f"{type(e).__name__}: {e}"[:1000])
        # What was changed on the instance may not be so in the database.
        project.refresh_from_db()
        return "an event could not be applied"


def _apply(project: Project, event: Event, champions: prequential.Champions) -> str | None:
    changes = _changes(project, event)
    for change in changes:
        if isinstance(change, events.PutProject):
            apply_changes.relabel(project, change.label_config)
    gone = tombstones.gone(project, changes)
    desk = Desk(project, changes)
    asked = [
        (change.task_id, prequential.ask(project, first, champions))
        for change in changes
        if isinstance(change, events.PutAnnotation)
        and not gone.has(change)
        and (
            first := prequential.first_answers(
                project, change, desk.row(change.task_id), desk.served.targets
            )
        )
    ]
    with transaction.atomic():
        applied = apply_changes.apply(project, changes, desk, gone)
        for task_id, outcomes in asked:
            prequential.record(desk.row(task_id), outcomes)
        tombstones.record(event, project, changes)
        event_actions.set_outcome(event, *_outcome(applied))
    return applied.need_sync


def _changes(project: Project, event: Event) -> list[events.Change]:
    """The event's changes; the first event of a project that no /setup named brings its config."""
    changes = events.changes(event.action, event.payload)
    told = events.project_of(event.payload)
    if not project.label_config and told and told.label_config:
        return [told, *changes] if told not in changes else changes
    return changes


def _outcome(applied: Applied) -> tuple[str, str]:
    """An event's status, and in one sentence what it did."""
    if applied.ignored and not applied.did and not applied.need_sync:
        return EventStatus.IGNORED, applied.ignored[0]
    if applied.stale and not applied.did:
        return EventStatus.STALE, "What is stored is newer."
    parts = [
        _several(applied.written, "changed"),
        _several(applied.removed_annotations, "annotations removed"),
        _several(applied.removed_tasks, "tasks removed"),
        _several(len(applied.labelled), "labels changed"),
        _several(applied.stale, "stale"),
        "other targets or labels" if applied.config_changed else "",
        f"asks for a sync: {applied.need_sync}" if applied.need_sync else "",
    ]
    said = "; ".join(part for part in parts if part)
    return EventStatus.APPLIED, said or "nothing of it was mirrored"


def _several(n: int, what: str) -> str:
    return f"{n} {what}" if n else ""

"""Stores the ids that Label Studio has deleted, and looks them up for later events."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from mlapi.labelstudio import events
from registry.actions.events import record_tombstones
from registry.models import Event, Project, Tombstone

_TASK, _ANNOTATION = Tombstone.Kind.TASK, Tombstone.Kind.ANNOTATION


@dataclass(frozen=True)
class DeletedIds:
    """Ids of deleted tasks and annotations: changes to them that are older are stale."""

    tasks: frozenset[int] = frozenset()
    annotations: frozenset[int] = frozenset()

    def has(self, change: events.PutTask | events.PutAnnotation) -> bool:
        """Whether the change is to a deleted task or annotation."""
        if isinstance(change, events.PutTask):
            return change.task["id"] in self.tasks
        return change.task_id in self.tasks or change.annotation["id"] in self.annotations


def record(event: Event, project: Project, changes: Sequence[events.Change]) -> None:
    """Store the ids that the event deletes; in the transaction that applies it."""
    for change in changes:
        match change:
            case events.DropTasks(ids):
                record_tombstones(project, _TASK, ids, event.received_at)
            case events.DropAnnotations(ids):
                record_tombstones(project, _ANNOTATION, ids, event.received_at)


def deleted_ids(project: Project, changes: Sequence[events.Change]) -> DeletedIds:
    """The ids that these changes put and that earlier events have deleted.

    One query, and none for changes that put nothing. Label Studio reuses ids: a task or
    annotation that was created after the deletion of its id is another one.
    """
    put = [each for change in changes for each in _ids_and_times(change)]
    if not put:
        return DeletedIds()
    ids = {kind: {i for k, i, _ in put if k == kind} for kind in (_TASK, _ANNOTATION)}
    rows = Tombstone.objects.filter(
        Q(kind=_TASK, labelstudio_id__in=ids[_TASK])
        | Q(kind=_ANNOTATION, labelstudio_id__in=ids[_ANNOTATION]),
        project=project,
    )
    deleted_at = {
        (kind, number): at
        for kind, number, at in rows.values_list("kind", "labelstudio_id", "deleted_at")
    }
    stale = {
        (kind, number)
        for kind, number, created_at in put
        if created_at and (at := deleted_at.get((kind, number))) and created_at < at
    }
    return DeletedIds(
        frozenset(number for kind, number in stale if kind == _TASK),
        frozenset(number for kind, number in stale if kind == _ANNOTATION),
    )


def _ids_and_times(change: events.Change) -> Iterator[tuple[str, int, datetime | None]]:
    match change:
        case events.PutTask(task):
            yield _TASK, task["id"], events.created_at(task)
        case events.PutAnnotation(annotation, task_id, task):
            yield _TASK, task_id, events.created_at(task or annotation)
            yield _ANNOTATION, annotation["id"], events.created_at(annotation)

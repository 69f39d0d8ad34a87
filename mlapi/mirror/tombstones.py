"""Deleted ids: kept as their deletions are applied, looked up for events that come after them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from mlapi.labelstudio import events
from registry.actions.events import record_tombstones
from registry.models import Event, Project, Tombstone

_TASK, _ANNOTATION = Tombstone.Kind.TASK, Tombstone.Kind.ANNOTATION


@dataclass(frozen=True)
class Gone:
    """Ids that Label Studio has said to be deleted: what is older about them is stale."""

    tasks: frozenset[int] = frozenset()
    annotations: frozenset[int] = frozenset()

    def has(self, change: events.PutTask | events.PutAnnotation) -> bool:
        """Whether the change is about a task or an annotation that was deleted since."""
        if isinstance(change, events.PutTask):
            return change.task["id"] in self.tasks
        return change.task_id in self.tasks or change.annotation["id"] in self.annotations


def record(event: Event, project: Project, changes: Sequence[events.Change]) -> None:
    """Keep the ids that the event deletes; in the transaction that applies it."""
    for change in changes:
        match change:
            case events.DropTasks(ids):
                record_tombstones(project, _TASK, ids, event.received_at)
            case events.DropAnnotations(ids):
                record_tombstones(project, _ANNOTATION, ids, event.received_at)


def gone(project: Project, changes: Sequence[events.Change]) -> Gone:
    """Which of the ids that these changes put were deleted before, by events that came earlier.

    One query, and none for changes that put nothing. Ids are used again, so a thing that
    was made after its id was deleted is another thing.
    """
    named = [each for change in changes for each in _ids_and_times(change)]
    if not named:
        return Gone()
    ids = {kind: {i for k, i, _ in named if k == kind} for kind in (_TASK, _ANNOTATION)}
    rows = Tombstone.objects.filter(
        Q(kind=_TASK, labelstudio_id__in=ids[_TASK])
        | Q(kind=_ANNOTATION, labelstudio_id__in=ids[_ANNOTATION]),
        project=project,
    )
    deleted_at = {
        (kind, number): at
        for kind, number, at in rows.values_list("kind", "labelstudio_id", "deleted_at")
    }
    late = {
        (kind, number)
        for kind, number, made_at in named
        if made_at and (at := deleted_at.get((kind, number))) and made_at < at
    }
    return Gone(
        frozenset(number for kind, number in late if kind == _TASK),
        frozenset(number for kind, number in late if kind == _ANNOTATION),
    )


def _ids_and_times(change: events.Change) -> Iterator[tuple[str, int, datetime | None]]:
    match change:
        case events.PutTask(task):
            yield _TASK, task["id"], events.made_at(task)
        case events.PutAnnotation(annotation, task_id, task):
            yield _TASK, task_id, events.made_at(task or annotation)
            yield _ANNOTATION, annotation["id"], events.made_at(annotation)

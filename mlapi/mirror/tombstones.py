"""Stores the ids that Label Studio has deleted, and looks them up for later events."""

from collections.abc import Iterable, Iterator, Set
from datetime import datetime

from django.db.models import Q

from mlapi.labelstudio import events
from registry.actions.events import record_tombstones
from registry.models import Project, Tombstone

_TASK, _ANNOTATION = Tombstone.Kind.TASK, Tombstone.Kind.ANNOTATION
_Key = tuple[str, int]  # kind and id


class DeletedIds:
    """The ids that changes put and that earlier events have deleted, with the times of that.

    Label Studio reuses ids: a task or annotation that was created after the deletion of its id is
    another one.
    """

    def __init__(self, project: Project, changes: Iterable[events.Change] = ()) -> None:
        """Look up the tombstones of these changes: one query, none for changes that put nothing."""
        self._project = project
        put = {(kind, number) for change in changes for kind, number, _ in _put(change)}
        self._deleted_at = _stored(project, put) if put else {}
        self._added: dict[_Key, datetime] = {}

    def has(self, change: events.PutTask | events.PutAnnotation) -> bool:
        """Whether the change is to a deleted task or annotation."""
        return any(
            created_at and (at := self._deleted_at.get((kind, number))) and created_at < at
            for kind, number, created_at in _put(change)
        )

    def add(self, changes: Iterable[events.Change], at: datetime) -> None:
        """Take in the ids that an event deletes, which was received at that time."""
        for change in changes:
            match change:
                case events.DropTasks(ids):
                    kind: str = _TASK
                case events.DropAnnotations(ids):
                    kind = _ANNOTATION
                case _:
                    continue
            added = {(kind, number): at for number in ids}
            self._added |= added
            self._deleted_at |= added

    def write(self) -> None:
        """Store the ids that were added; in the transaction that applies their events."""
        if self._added:
            record_tombstones(self._project, self._added)


def _stored(project: Project, put: Set[_Key]) -> dict[_Key, datetime]:
    ids = {kind: {number for k, number in put if k == kind} for kind in (_TASK, _ANNOTATION)}
    rows = Tombstone.objects.filter(
        Q(kind=_TASK, labelstudio_id__in=ids[_TASK])
        | Q(kind=_ANNOTATION, labelstudio_id__in=ids[_ANNOTATION]),
        project=project,
    )
    return {
        (kind, number): at
        for kind, number, at in rows.values_list("kind", "labelstudio_id", "deleted_at")
    }


def _put(change: events.Change) -> Iterator[tuple[str, int, datetime | None]]:
    """What a change puts: kind, id, and when that was created."""
    match change:
        case events.PutTask(task):
            yield _TASK, task["id"], events.created_at(task)
        case events.PutAnnotation(annotation, task_id, task):
            yield _TASK, task_id, events.created_at(task or annotation)
            yield _ANNOTATION, annotation["id"], events.created_at(annotation)

"""Applies changes to the tasks that they name in memory, and writes them at once."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mlapi.labelstudio import events
from mlapi.labelstudio.response_schemas import is_id, parse_datetime
from mlapi.served_config import resolve
from registry.actions import tasks
from registry.actions.tasks import TaskState
from registry.json_sanitize import sanitize
from registry.label_renames import Renames
from registry.models import Project, Task
from registry.splits import SplitAssigner

_STORED_FIELDS = ("id", "was_cancelled", "ground_truth", "created_at", "updated_at", "result")


class TaskUnitOfWork:
    """Unit of work over the tasks named by some changes. `put_*` return False for stale data.

    `served` is the project's served config. The changes of several events can be applied one after
    the other, with a `derive` after each, and written once; see `can_take` for its one limit.
    """

    def __init__(self, project: Project, changes: Sequence[events.Change]) -> None:
        self.served = resolve(project.label_config, project.options)
        self._project = project
        self._renames = Renames(project.label_renames)
        self.removed_annotations = 0
        named = _Named.by(changes)
        self._tasks = {
            task.labelstudio_id: TaskState.of(task) for task in _existing_tasks(project, named)
        }
        self._touched: dict[int, None] = {}  # since the last `derive`
        self._derived: dict[int, None] = {}
        self._holders: dict[int, set[int]] = {}  # the tasks that have or had an annotation
        for task_id, state in self._tasks.items():
            for annotation in state.annotations:
                self._holders.setdefault(annotation["id"], set()).add(task_id)
        self._droppable = _existing_ids(project, named.deleted_tasks - self._tasks.keys())
        self._dropped: set[int] = set()

    def has(self, task_id: int) -> bool:
        """Whether the task is mirrored or has been put."""
        return task_id in self._tasks

    def state(self, task_id: int) -> TaskState | None:
        """The task as it is after the changes so far; None for one that is not mirrored."""
        return self._tasks.get(task_id)

    def can_take(self, changes: Sequence[events.Change]) -> bool:
        """Whether the changes can be applied before what was applied so far is written.

        Not if they end a task that has been changed: its row must say so, for it may have a split.
        """
        for change in changes:
            match change:
                case events.DropTasks(ids):
                    ended = not self._derived.keys().isdisjoint(ids)
                case events.PutTask(task) | events.PutAnnotation(task=dict() as task):
                    ended = task["id"] in self._derived and self._is_another(task)
                case _:
                    continue
            if ended:
                return False
        return True

    def put_task(self, task: dict[str, Any]) -> bool:
        """Put a task without its annotations. False if the mirrored one is newer."""
        updated = parse_datetime(task.get("updated_at"))
        state = self._tasks.get(task["id"])
        mirrored_at = state.source_updated_at if state else None
        if self._is_another(task):
            # Label Studio gave the id of a deleted task to a new one, and sent no deletion.
            self._dropped.add(task["id"])
            state = None
        elif mirrored_at and updated and updated < mirrored_at:
            return False
        if state is None:
            state = self._tasks[task["id"]] = TaskState(task["id"])
        self._touched[task["id"]] = None
        state.data = sanitize(task["data"]) if isinstance(task.get("data"), dict) else state.data
        state.source_updated_at = updated or state.source_updated_at
        submitted = task.get("total_annotations")
        if isinstance(submitted, int):
            cancelled = task.get("cancelled_annotations")
            state.total_annotations = submitted + (cancelled if isinstance(cancelled, int) else 0)
        return True

    def put_whole(self, task: dict[str, Any]) -> bool:
        """Put a task with all of its annotations; its other mirrored annotations are removed."""
        if not self.put_task(task):
            return False
        if isinstance(task.get("annotations"), list):
            state = self._tasks[task["id"]]
            readable = [
                a for a in task["annotations"] if isinstance(a, dict) and is_id(a.get("id"))
            ]
            annotations = sorted(map(_stored, readable), key=lambda a: a["id"])
            before = {a["id"] for a in state.annotations}
            self.removed_annotations += len(before - {a["id"] for a in annotations})
            state.annotations = annotations
            state.event_at = None  # what was read includes what events have changed
            if not isinstance(task.get("total_annotations"), int):
                state.total_annotations = len(annotations)
        return True

    def put_annotation(
        self, annotation: dict[str, Any], task_id: int, task: dict[str, Any] | None
    ) -> bool:
        """Put an annotation of a tracked task, or of the one that comes with it. False if stale."""
        if task is not None:
            self.put_task(task)
        state = self._tasks[task_id]
        by_id = {a["id"]: a for a in state.annotations}
        new = _stored(annotation)
        old = by_id.get(new["id"])
        if old and _is_older(new, old):
            return False
        by_id[new["id"]] = new
        state.annotations = [by_id[i] for i in sorted(by_id)]
        self._touched[task_id] = None
        self._holders.setdefault(new["id"], set()).add(task_id)
        return True

    def drop_annotations(self, ids: Iterable[int]) -> int:
        """Drop the annotations from their tasks; the number that was mirrored."""
        deleted = set(ids)
        holders = {task_id for i in deleted for task_id in self._holders.get(i, ())}
        removed = 0
        for task_id in holders & self._tasks.keys():
            state = self._tasks[task_id]
            left = [a for a in state.annotations if a["id"] not in deleted]
            n = len(state.annotations) - len(left)
            if n:
                state.annotations = left
                state.total_annotations = max(0, state.total_annotations - n)
                self._touched[task_id] = None
                removed += n
        return removed

    def drop_tasks(self, ids: Iterable[int]) -> int:
        """Drop the tasks with their annotations; the number that was mirrored."""
        found = {i for i in ids if i in self._tasks or i in self._droppable}
        for i in found:
            self._tasks.pop(i, None)
        self._droppable -= found
        self._dropped |= found
        return len(found)

    def was_changed_since(self, task_id: int, when: datetime) -> bool:
        """Whether an event was applied to the mirrored task at or after that time."""
        state = self._tasks.get(task_id)
        return bool(state and state.event_at and state.event_at >= when)

    def derive(self, event_at: datetime | None = None) -> int:
        """Derive the labels of the tasks touched since the last call; how many have others.

        `event_at` is when the event was applied that touched them.
        """
        touched, self._touched = self._touched, {}
        if event_at:
            for task_id in touched:
                self._tasks[task_id].event_at = event_at
        self._derived |= touched
        return sum(self._derive_labels(self._tasks[task_id]) for task_id in touched)

    def write(self, splits: SplitAssigner | None = None) -> None:
        """Write what was derived."""
        if self._dropped:
            tasks.drop(self._project, self._dropped)
        written = [self._tasks[task_id] for task_id in self._derived]
        if written:
            tasks.write(self._project, written, splits=splits)

    def _derive_labels(self, state: TaskState) -> bool:
        """A config that nothing serves leaves labels and input key to the one after it."""
        if self.served.targets:
            found = self.served.derive_labels(
                self._project.uid,
                state.data,
                state.annotations,
                self._project.control_since,
                self._renames,
            )
        elif not state.annotations:
            found = tasks.DerivedLabels({}, {}, [], state.input_key)
        else:
            return False
        return state.derive(found)

    def _is_another(self, task: dict[str, Any]) -> bool:
        """Whether the task was created after the mirrored one of its id was last changed."""
        mirrored = self._tasks.get(task["id"])
        mirrored_at = mirrored.source_updated_at if mirrored else None
        created = parse_datetime(task.get("created_at"))
        return bool(created and mirrored_at and created > mirrored_at)


@dataclass(frozen=True)
class _Named:
    """The ids that changes name: of tasks, of deleted annotations and of deleted tasks."""

    tasks: frozenset[int]
    deleted_annotations: frozenset[int]
    deleted_tasks: frozenset[int]

    @classmethod
    def by(cls, changes: Sequence[events.Change]) -> "_Named":
        put: set[int] = set()
        annotations: set[int] = set()
        deleted: set[int] = set()
        for change in changes:
            match change:
                case events.PutTask(task):
                    put.add(task["id"])
                case events.PutAnnotation(_, task_id):
                    put.add(task_id)
                case events.DropAnnotations(ids):
                    annotations.update(ids)
                case events.DropTasks(ids):
                    deleted.update(ids)
        return cls(frozenset(put), frozenset(annotations), frozenset(deleted))


def _existing_tasks(project: Project, named: _Named) -> list[Task]:
    """The rows of the existing tasks that the changes write, in at most two queries."""
    existing = tasks.existing(project)
    rows = list(existing.filter(labelstudio_id__in=named.tasks)) if named.tasks else []
    if named.deleted_annotations:
        rows += existing.filter(annotation_ids__overlap=list(named.deleted_annotations))
    return rows


def _existing_ids(project: Project, ids: Collection[int]) -> set[int]:
    """Those of the ids whose tasks exist; no query without ids."""
    if not ids:
        return set()
    found = tasks.existing(project).filter(labelstudio_id__in=ids)
    return set(found.values_list("labelstudio_id", flat=True))


def _stored(annotation: dict[str, Any]) -> dict[str, Any]:
    """The stored fields of an annotation. Exports nest the annotator, webhooks have the id."""
    stored = {name: annotation.get(name) for name in _STORED_FIELDS}
    stored["result"] = stored["result"] if isinstance(stored["result"], list) else []
    for name in ("was_cancelled", "ground_truth"):
        stored[name] = bool(stored[name])
    for name in ("completed_by", "parent_prediction"):
        value = annotation.get(name)
        value = value.get("id") if isinstance(value, dict) else value
        stored[name] = value if isinstance(value, int | str) else None
    return sanitize(stored)


def _is_older(new: dict[str, Any], old: dict[str, Any]) -> bool:
    a, b = parse_datetime(new["updated_at"]), parse_datetime(old["updated_at"])
    return bool(a and b and a < b)

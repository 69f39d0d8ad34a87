"""Applies changes to the tasks that they name in memory, and writes them at once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
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


@dataclass
class _Tracked:
    state: TaskState
    touched: bool = False


class TaskUnitOfWork:
    """Unit of work over the tasks named by some changes. `put_*` return False for stale data.

    `served` is the project's served config.
    """

    def __init__(self, project: Project, changes: Sequence[events.Change]) -> None:
        self.served = resolve(project.label_config, project.options)
        self._project = project
        self._reused: set[int] = set()
        self.removed_annotations = 0
        self._tasks = {
            task.labelstudio_id: _Tracked(TaskState.of(task))
            for task in _existing_tasks(project, changes)
        }

    def has(self, task_id: int) -> bool:
        """Whether the task is mirrored or has been put."""
        return task_id in self._tasks

    def row(self, task_id: int) -> Task | None:
        """The task's row as it was read, or after `write` as it was written; None without one."""
        tracked = self._tasks.get(task_id)
        return tracked.state.row if tracked else None

    def put_task(self, task: dict[str, Any]) -> bool:
        """Put a task without its annotations. False if the mirrored one is newer."""
        updated, created = (parse_datetime(task.get(n)) for n in ("updated_at", "created_at"))
        tracked = self._tasks.get(task["id"])
        mirrored_at = tracked.state.source_updated_at if tracked else None
        if tracked and mirrored_at and created and created > mirrored_at:
            # Label Studio gave the id of a deleted task to a new one, and sent no deletion.
            self._reused.add(task["id"])
            tracked = None
        elif mirrored_at and updated and updated < mirrored_at:
            return False
        if tracked is None:
            tracked = self._tasks[task["id"]] = _Tracked(TaskState(task["id"]))
        state = tracked.state
        tracked.touched = True
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
            state = self._tasks[task["id"]].state
            readable = [
                a for a in task["annotations"] if isinstance(a, dict) and is_id(a.get("id"))
            ]
            annotations = sorted(map(_stored, readable), key=lambda a: a["id"])
            before = {a["id"] for a in state.annotations}
            self.removed_annotations += len(before - {a["id"] for a in annotations})
            state.annotations = annotations
            if not isinstance(task.get("total_annotations"), int):
                state.total_annotations = len(annotations)
        return True

    def put_annotation(
        self, annotation: dict[str, Any], task_id: int, task: dict[str, Any] | None
    ) -> bool:
        """Put an annotation of a tracked task, or of the one that comes with it. False if stale."""
        if task is not None:
            self.put_task(task)
        tracked = self._tasks[task_id]
        by_id = {a["id"]: a for a in tracked.state.annotations}
        new = _stored(annotation)
        old = by_id.get(new["id"])
        if old and _is_older(new, old):
            return False
        by_id[new["id"]] = new
        tracked.state.annotations = [by_id[i] for i in sorted(by_id)]
        tracked.touched = True
        return True

    def drop_annotations(self, ids: Iterable[int]) -> int:
        """Drop the annotations from their tasks; the number that was mirrored."""
        deleted = set(ids)
        removed = 0
        for tracked in self._tasks.values():
            left = [a for a in tracked.state.annotations if a["id"] not in deleted]
            n = len(tracked.state.annotations) - len(left)
            if n:
                tracked.state.annotations = left
                tracked.state.total_annotations = max(0, tracked.state.total_annotations - n)
                tracked.touched = True
                removed += n
        return removed

    def write(self, splits: SplitAssigner | None = None) -> list[Task]:
        """Write the touched tasks; returns those whose labels changed."""
        if self._reused:
            tasks.drop(self._project, self._reused)
        touched = [tracked.state for tracked in self._tasks.values() if tracked.touched]
        if not touched:
            return []
        for state in touched:
            self._derive_labels(state)
        return tasks.write(self._project, touched, splits=splits)

    def _derive_labels(self, state: TaskState) -> None:
        """A config that nothing serves leaves labels and input key to the one after it."""
        if self.served.targets:
            state.derive(
                self.served.derive_labels(
                    self._project.uid,
                    state.data,
                    state.annotations,
                    self._project.control_since,
                    Renames(self._project.label_renames),
                )
            )
        elif not state.annotations:
            state.labels, state.classes, state.ties = {}, [], []


def _existing_tasks(project: Project, changes: Sequence[events.Change]) -> list[Task]:
    """The rows of the existing tasks that the changes name, in at most two queries."""
    task_ids: set[int] = set()
    annotation_ids: set[int] = set()
    for change in changes:
        match change:
            case events.PutTask(task):
                task_ids.add(task["id"])
            case events.PutAnnotation(_, task_id):
                task_ids.add(task_id)
            case events.DropAnnotations(ids):
                annotation_ids.update(ids)
    existing = tasks.existing(project)
    rows = list(existing.filter(labelstudio_id__in=task_ids)) if task_ids else []
    if annotation_ids:
        rows += existing.filter(annotation_ids__overlap=list(annotation_ids))
    return rows


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

"""The mirrored tasks that changes are about, worked on in memory and written at once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from mlapi.labelstudio import events
from mlapi.labelstudio.response_schemas import moment
from mlapi.served_config import resolve
from registry.actions import tasks
from registry.actions.tasks import TaskState
from registry.json_sanitize import sanitize
from registry.models import Project, Task
from registry.splits import SplitAssigner

_KEPT = ("id", "was_cancelled", "ground_truth", "created_at", "updated_at", "result")


@dataclass
class _OnDesk:
    state: TaskState
    touched: bool = False


class Desk:
    """Holds the tasks that some changes name; each `put_` says whether it was news or stale.

    `served` is what the project's label config asks for.
    """

    def __init__(self, project: Project, changes: Sequence[events.Change]) -> None:
        self.served = resolve(project.label_config, project.options)
        self._project = project
        self._reused: set[int] = set()
        self.removed_annotations = 0
        self._tasks = {
            task.labelstudio_id: _OnDesk(TaskState.of(task)) for task in _mirrored(project, changes)
        }

    def has(self, task_id: int) -> bool:
        """Whether the task is mirrored or was just put."""
        return task_id in self._tasks

    def row(self, task_id: int) -> Task | None:
        """The task's row as it was read, or since `write` as it was written; None: it has none."""
        known = self._tasks.get(task_id)
        return known.state.row if known else None

    def put_task(self, task: dict[str, Any]) -> bool:
        """The task without its annotations. False if what is stored is newer."""
        updated, created = moment(task.get("updated_at")), moment(task.get("created_at"))
        known = self._tasks.get(task["id"])
        seen = known.state.source_updated_at if known else None
        if known and seen and created and created > seen:
            # Label Studio gave the id of a deleted task to a new one; that was not announced.
            self._reused.add(task["id"])
            known = None
        elif seen and updated and updated < seen:
            return False
        if known is None:
            known = self._tasks[task["id"]] = _OnDesk(TaskState(task["id"]))
        state = known.state
        known.touched = True
        state.data = sanitize(task["data"]) if isinstance(task.get("data"), dict) else state.data
        state.source_updated_at = updated or state.source_updated_at
        counted = task.get("total_annotations")
        if isinstance(counted, int):
            cancelled = task.get("cancelled_annotations")
            state.total_annotations = counted + (cancelled if isinstance(cancelled, int) else 0)
        return True

    def put_whole(self, task: dict[str, Any]) -> bool:
        """The task with all of its annotations: others that are mirrored are removed."""
        if not self.put_task(task):
            return False
        if isinstance(task.get("annotations"), list):
            state = self._tasks[task["id"]].state
            kept = sorted((_kept(a) for a in task["annotations"]), key=lambda a: a["id"])
            before = {a["id"] for a in state.annotations}
            self.removed_annotations += len(before - {a["id"] for a in kept})
            state.annotations = kept
            if not isinstance(task.get("total_annotations"), int):
                state.total_annotations = len(kept)
        return True

    def put_annotation(
        self, annotation: dict[str, Any], task_id: int, task: dict[str, Any] | None
    ) -> bool:
        """The annotation, of a task that is on the desk or comes with it. False if it is stale."""
        if task is not None:
            self.put_task(task)
        known = self._tasks[task_id]
        kept = {a["id"]: a for a in known.state.annotations}
        new = _kept(annotation)
        old = kept.get(new["id"])
        if old and _is_older(new, old):
            return False
        kept[new["id"]] = new
        known.state.annotations = [kept[i] for i in sorted(kept)]
        known.touched = True
        return True

    def drop_annotations(self, ids: Iterable[int]) -> int:
        """The annotations are gone, whichever tasks they were of; how many were mirrored."""
        gone = set(ids)
        removed = 0
        for known in self._tasks.values():
            left = [a for a in known.state.annotations if a["id"] not in gone]
            n = len(known.state.annotations) - len(left)
            if n:
                known.state.annotations = left
                known.state.total_annotations = max(0, known.state.total_annotations - n)
                known.touched = True
                removed += n
        return removed

    def write(self, splits: SplitAssigner | None = None) -> list[Task]:
        """Write what was touched; the tasks whose labels changed."""
        if self._reused:
            tasks.drop(self._project, self._reused)
        touched = [known.state for known in self._tasks.values() if known.touched]
        if not touched:
            return []
        for state in touched:
            state.labels, state.ties, state.input_key = self.served.derive_labels(
                self._project.uid, state.data, state.annotations, self._project.control_since
            )
        return tasks.write(self._project, touched, splits=splits)


def _mirrored(project: Project, changes: Sequence[events.Change]) -> list[Task]:
    """The live rows that the changes name, in at most two queries."""
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
    live = tasks.existing(project)
    found = list(live.filter(labelstudio_id__in=task_ids)) if task_ids else []
    if annotation_ids:
        found += live.filter(annotation_ids__overlap=list(annotation_ids))
    return found


def _kept(annotation: dict[str, Any]) -> dict[str, Any]:
    """Of an annotation, what the mirror keeps. Exports nest the annotator, webhooks name the id."""
    kept = {name: annotation.get(name) for name in _KEPT}
    kept["result"] = kept["result"] if isinstance(kept["result"], list) else []
    for name in ("was_cancelled", "ground_truth"):
        kept[name] = bool(kept[name])
    for name in ("completed_by", "parent_prediction"):
        value = annotation.get(name)
        value = value.get("id") if isinstance(value, dict) else value
        kept[name] = value if isinstance(value, int | str) else None
    return sanitize(kept)


def _is_older(new: dict[str, Any], old: dict[str, Any]) -> bool:
    a, b = moment(new["updated_at"]), moment(old["updated_at"])
    return bool(a and b and a < b)

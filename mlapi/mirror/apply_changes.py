"""Applies changes from Label Studio to the mirror of its tasks.

Its callers hold the project's lock (`mlapi.locks.project_lock`). Label Studio's times decide: a
task or annotation older than the one that is stored changes nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import DataError, OperationalError, transaction
from django.utils import timezone
from more_itertools import chunked

from mlapi.labelstudio import events
from mlapi.labelstudio.label_config import data_sources, label_sets
from mlapi.labelstudio.response_schemas import is_id
from mlapi.mirror.tombstones import DeletedIds
from mlapi.mirror.unit_of_work import TaskUnitOfWork
from mlapi.served_config import ServedConfig, resolve
from registry.actions import label_renames, projects, tasks
from registry.json_sanitize import sanitize
from registry.label_renames import Renames, after_config
from registry.models import Project, Task
from registry.splits import SplitAssigner

# Class 54 of PostgreSQL's codes.
_BEYOND_LIMITS = "54"


@dataclass
class Applied:
    """The effect of changes, in counts; `relabelled` are the tasks whose labels changed.

    `need_sync` is the reason for a sync, None without one. Of tasks that were read, `passed_over`
    are those that an event has changed since, and `refused` those that cannot be stored, each with
    the reason.
    """

    relabelled: int = 0
    written: int = 0
    stale: int = 0
    removed_annotations: int = 0
    removed_tasks: int = 0
    need_sync: str | None = None
    config_changed: bool = False
    ignored: list[str] = field(default_factory=list)
    passed_over: set[int] = field(default_factory=set)
    refused: dict[int, str] = field(default_factory=dict)

    @property
    def had_effect(self) -> bool:
        """Whether a change was applied, even one that had been applied before."""
        return bool(self.written or self.removed_annotations or self.removed_tasks)


def apply(
    project: Project, changes: Sequence[events.Change], unit: TaskUnitOfWork, deleted: DeletedIds
) -> Applied:
    """Apply an event's changes to the unit's tasks, which the caller writes.

    `PutProject` and `PutTasks` are written at once, so the caller has a transaction for them. A
    new label config is only stored: call `relabel` before, outside of the transaction.
    """
    applied = Applied()
    for change in changes:
        match change:
            case events.PutTask() | events.PutAnnotation() if deleted.has(change):
                applied.stale += 1
            case events.PutTask(task):
                _count(applied, unit.put_task(task))
            case events.PutAnnotation(annotation, task_id, task):
                if task is None and not unit.has(task_id):
                    applied.need_sync = "an annotation of a task that is not mirrored"
                else:
                    _count(applied, unit.put_annotation(annotation, task_id, task))
            case events.DropAnnotations(ids):
                applied.removed_annotations += unit.drop_annotations(ids)
            case events.DropTasks(ids):
                applied.removed_tasks += unit.drop_tasks(ids)
            case events.PutTasks(annotated_tasks):
                _add(applied, put_whole_tasks(project, annotated_tasks))
            case events.PutProject(title, label_config):
                applied.config_changed = _store_config(project, label_config, title)
                if project.data_outdated:
                    applied.need_sync = "the label config shows other data of the tasks"
                unit.served = resolve(project.label_config, project.options)
                applied.written += 1
            case events.NeedSync(reason):
                applied.need_sync = reason
            case events.Ignore(reason):
                applied.ignored.append(reason)
    applied.relabelled += unit.derive(timezone.now())
    return applied


def put_whole_tasks(project: Project, annotated_tasks: Iterable[dict[str, Any]]) -> Applied:
    """Mirror tasks with all of their annotations, in batches of 1,000; each is a transaction.

    Mirrored annotations that the task no longer has are removed and counted. A task without
    `annotations` keeps its mirrored ones. The champion makes no prequential prediction for these
    labels.
    """
    applied = Applied()
    splits = SplitAssigner(project)
    for batch in chunked(annotated_tasks, tasks.BATCH):
        unit = TaskUnitOfWork(project, [events.PutTask(task) for task in batch])
        for task in batch:
            _count(applied, unit.put_whole(task))
        _write_whole(applied, unit, splits)
    return applied


def put_read_tasks(
    project: Project, read_tasks: Sequence[dict[str, Any]], read_at: datetime
) -> Applied:
    """Mirror whole tasks that were requested from Label Studio at that time.

    A task that an event has changed since is passed over. What events have deleted is left out. A
    task that the database refuses is left as it is.
    """
    try:
        return _put_read(project, read_tasks, read_at)
    except (DataError, OperationalError) as error:
        if isinstance(error, OperationalError) and not is_beyond_limits(error):
            raise
        if len(read_tasks) == 1:
            return Applied(refused={read_tasks[0]["id"]: f"it cannot be stored: {error}".strip()})
    middle = len(read_tasks) // 2
    applied = Applied()
    for half in (read_tasks[:middle], read_tasks[middle:]):
        _add(applied, put_read_tasks(project, half, read_at))
    return applied


def is_beyond_limits(error: BaseException) -> bool:
    """Whether a value is beyond PostgreSQL's limits, such as a jsonb of 256 MB."""
    return str(getattr(error.__cause__, "pgcode", "")).startswith(_BEYOND_LIMITS)


def _put_read(project: Project, read_tasks: Sequence[dict[str, Any]], read_at: datetime) -> Applied:
    applied = Applied()
    deleted = DeletedIds(project, [put for task in read_tasks for put in _puts(task)])
    unit = TaskUnitOfWork(project, [events.PutTask(task) for task in read_tasks])
    for task in read_tasks:
        if unit.was_changed_since(task["id"], read_at):
            applied.passed_over.add(task["id"])
        elif deleted.has(events.PutTask(task)):
            applied.stale += 1
        else:
            gone = {put.annotation["id"] for put in _puts(task)[1:] if deleted.has(put)}
            _count(applied, unit.put_whole(_without(task, gone)))
    _write_whole(applied, unit, SplitAssigner(project))
    return applied


def _write_whole(applied: Applied, unit: TaskUnitOfWork, splits: SplitAssigner) -> None:
    applied.removed_annotations += unit.removed_annotations
    applied.relabelled += unit.derive()
    with transaction.atomic():
        unit.write(splits)


def _puts(task: dict[str, Any]) -> list[Any]:
    """The task and its annotations as changes."""
    annotations = task.get("annotations")
    readable = [
        a
        for a in (annotations if isinstance(annotations, list) else [])
        if isinstance(a, dict) and is_id(a.get("id"))
    ]
    return [events.PutTask(task), *(events.PutAnnotation(a, task["id"], task) for a in readable)]


def _without(task: dict[str, Any], annotations: set[int]) -> dict[str, Any]:
    if not annotations:
        return task
    left = [a for a in task["annotations"] if a.get("id") not in annotations]
    return {**task, "annotations": left}


def is_of_other_config(
    project: Project, changes: Sequence[events.Change], label_config: str | None
) -> bool:
    """Whether the changes bring data as another label config than the stored one shows them.

    So it is with an event from before a change of the config that a sync has read already.
    """
    brings_data = any(
        isinstance(change, events.PutTask)
        or (isinstance(change, events.PutAnnotation) and change.task is not None)
        for change in changes
    )
    return brings_data and _shows_other_data(project, label_config)


def refresh_config(project: Project, label_config: str, title: str | None = None) -> bool:
    """Relabel the tasks by a label config and store it; True if its targets or labels changed.

    Relabels every annotated task in batches. The config is stored last, so that an interrupted
    relabel is repeated at the next event.
    """
    relabel(project, label_config)
    if project.relabel_queued_at is not None:
        label_renames.mark_relabelled(project)
    return _store_config(project, label_config, title)


def relabel(project: Project, label_config: str | None) -> int:
    """Derive the labels of all annotated tasks by this config; the number that changed.

    No effect if no pipeline serves it, or if its targets and labels are those of the project and
    no rename of a label requests it.
    """
    if not label_config:
        return 0
    served = resolve(sanitize(label_config), project.options)
    is_requested = (
        project.relabel_queued_at is not None or served.fingerprint != project.fingerprint
    )
    if not served.targets or not is_requested:
        return 0
    since, renames = _since(project, served), _renames(project, label_config)
    no_input = served.no_input_key(project.uid)

    def derive(task: Task) -> tasks.DerivedLabels:
        found = served.derive_labels(project.uid, task.data, task.annotations, since, renames)
        # The data may come under the new field from now on: then the input is still the same.
        is_same = found.input_key == no_input and task.input_key
        return found._replace(input_key=task.input_key) if is_same else found

    return tasks.relabel(project, derive)


def refresh_stored_config(project: Project) -> bool:
    """Refresh the project by its stored config if that resolves to other targets or labels.

    It does after an upgrade that serves more, and after a change of the project's options. Also
    if a rename of a label was confirmed or undone.
    """
    stored, is_requested = project.label_config, project.relabel_queued_at is not None
    is_same = resolve(stored, project.options).fingerprint == project.fingerprint
    if not stored or (is_same and not is_requested):
        return False
    return refresh_config(project, stored)


def _store_config(project: Project, label_config: str | None, title: str | None) -> bool:
    label_config = sanitize(label_config or project.label_config)
    title = project.title if title is None else sanitize(title)[:500]
    served = resolve(label_config, project.options)
    if (label_config, title, served.fingerprint) == (
        project.label_config,
        project.title,
        project.fingerprint,
    ):
        return False
    return projects.set_config(
        project,
        label_config,
        title=title,
        fingerprint=served.fingerprint,
        pipeline=served.pipeline,
        unserved_reason=served.unserved_reason,
        control_since=_since(project, served),
        labels_before=label_sets(project.label_config),
        labels=label_sets(label_config),
        data_outdated=project.data_outdated or _shows_other_data(project, label_config),
    )


def _shows_other_data(project: Project, label_config: str | None) -> bool:
    """Whether Label Studio may return other data under this config than under the stored one."""
    if not project.label_config or not label_config:
        return False
    return data_sources(sanitize(label_config)) != data_sources(project.label_config)


def _since(project: Project, served: ServedConfig) -> dict[str, str]:
    """When the controls of the new config were added."""
    if served.fingerprint == project.fingerprint:
        return project.control_since
    before = resolve(project.label_config, project.options) if project.fingerprint else None
    return served.since(before, project.control_since, timezone.now().isoformat())


def _renames(project: Project, label_config: str) -> Renames:
    """The renames of labels, as they are under the new config."""
    before, after = label_sets(project.label_config), label_sets(sanitize(label_config))
    return Renames(after_config(project.label_renames, before, after, timezone.now()))


def _count(applied: Applied, was_written: bool) -> None:
    if was_written:
        applied.written += 1
    else:
        applied.stale += 1


def _add(applied: Applied, more: Applied) -> None:
    applied.relabelled += more.relabelled
    applied.written += more.written
    applied.stale += more.stale
    applied.removed_annotations += more.removed_annotations
    applied.passed_over |= more.passed_over
    applied.refused |= more.refused

"""Parses Label Studio's webhook events (its `webhooks/models.py`) into changes to the mirror.

Every action of Label Studio 1.23 is known, in the singular and in the plural: annotations are
created singly or in lists, but always deleted as a list.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from mlapi.labelstudio.response_schemas import is_id, parse_datetime

T = TypeVar("T")

START_TRAINING = "START_TRAINING"
# Our own actions, for events of other routes than the webhook.
SETUP = "SETUP"
TRAIN = "TRAIN"


class MalformedEvent(ValueError):
    """The payload does not have the form of its action."""


@dataclass(frozen=True)
class PutTask:
    """A task without its annotations."""

    task: dict[str, Any]


@dataclass(frozen=True)
class PutAnnotation:
    """An annotation that was created or changed, with its task where the event has it.

    `live` if a human has just submitted it, singly: the champion predicts only for those.
    """

    annotation: dict[str, Any]
    task_id: int
    task: dict[str, Any] | None = None
    live: bool = True


@dataclass(frozen=True)
class PutTasks:
    """Tasks with all of their annotations."""

    tasks: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class DropAnnotations:
    """Deleted annotations, without the ids of their tasks."""

    ids: tuple[int, ...]


@dataclass(frozen=True)
class DropTasks:
    """Deleted tasks, with their annotations."""

    ids: tuple[int, ...]


@dataclass(frozen=True)
class PutProject:
    """The project's title and label config; None where the event has none."""

    title: str | None
    label_config: str | None


@dataclass(frozen=True)
class NeedSync:
    """The event has too little data, so that a sync is needed."""

    reason: str


@dataclass(frozen=True)
class Ignore:
    """No change to the mirror."""

    reason: str


Change = (
    PutTask
    | PutAnnotation
    | PutTasks
    | DropAnnotations
    | DropTasks
    | PutProject
    | NeedSync
    | Ignore
)


def changes(action: str, payload: dict[str, Any]) -> list[Change]:
    """The changes of an event, in order; never empty. Raises MalformedEvent."""
    if not isinstance(payload, dict):
        raise MalformedEvent("The event is not a JSON object.")
    read = _READERS.get(str(action).upper())
    if read is None:
        return [Ignore("This action is not one that the mirror knows.")]
    return list(read(payload)) or [Ignore("The event names nothing.")]


def project_of(payload: dict[str, Any]) -> PutProject | None:
    """The project in the payload of an event of any action."""
    return next(_project(payload), None) if isinstance(payload.get("project"), dict) else None


def created_at(item: dict[str, Any]) -> datetime | None:
    """The time at which a task or an annotation was created."""
    return parse_datetime(item.get("created_at"))


def _annotations(payload: dict[str, Any]) -> Iterator[Change]:
    annotations, unreadable = _listed(payload, "annotation", "annotations")
    tasks = {task["id"]: task for task in _listed(payload, "task", "tasks")[0]}
    for annotation in annotations:
        task_id = annotation.get("task")
        task_id = task_id.get("id") if isinstance(task_id, dict) else task_id
        if task_id is None and len(tasks) == 1:
            task_id = next(iter(tasks))
        if not is_id(task_id):
            if len(annotations) == 1:
                raise MalformedEvent("An annotation does not say of which task it is.")
            unreadable += 1
            continue
        # Lists come from actions on many tasks at once, which nobody has labelled one by one.
        live = len(annotations) == 1 and not _is_imported(annotation)
        live = live and not isinstance(payload.get("annotation"), list)
        yield PutAnnotation(annotation, task_id, tasks.get(task_id), live)
    yield from _need_sync(unreadable)


def _is_imported(annotation: dict[str, Any]) -> bool:
    return bool(annotation.get("bulk_created")) or annotation.get("import_id") is not None


def _annotations_deleted(payload: dict[str, Any]) -> Iterator[Change]:
    ids, unreadable = _ids(payload, "annotations", "annotation")
    if ids:
        yield DropAnnotations(ids)
    yield from _need_sync(unreadable)


def _tasks(payload: dict[str, Any]) -> Iterator[Change]:
    imported = 0
    tasks, unreadable = _listed(payload, "tasks", "task")
    for task in tasks:
        yield PutTask(task)
        imported += bool(task.get("total_annotations"))
    if imported:
        yield NeedSync(f"{imported} tasks were imported with annotations")
    yield from _need_sync(unreadable)


def _tasks_deleted(payload: dict[str, Any]) -> Iterator[Change]:
    ids, unreadable = _ids(payload, "tasks", "task")
    if ids:
        yield DropTasks(ids)
    yield from _need_sync(unreadable)


def _project(payload: dict[str, Any]) -> Iterator[PutProject]:
    project = payload.get("project")
    if not isinstance(project, dict):
        raise MalformedEvent("The event has no project.")
    title, config = project.get("title"), project.get("label_config")
    yield PutProject(
        title if isinstance(title, str) else None,
        config if isinstance(config, str) and config.strip() else None,
    )


def _setup(payload: dict[str, Any]) -> Iterator[Change]:
    """`/setup`: a new label config, and a sync for a new project."""
    yield from _project(payload)
    if payload.get("first"):
        yield NeedSync("first setup")


def _train(payload: dict[str, Any]) -> Iterator[Change]:
    """`/train` of the first ML protocol: tasks with their annotations."""
    tasks = payload.get("annotations") or []
    if not isinstance(tasks, list):
        raise MalformedEvent("`annotations` is not a list.")
    annotated = [
        task
        for task in tasks
        if isinstance(task, dict)
        and is_id(task.get("id"))
        and isinstance(task.get("data"), dict)
        and isinstance(task.get("annotations"), list)
    ]
    if annotated:
        yield PutTasks(annotated)


def _ignored(reason: str) -> Callable[[dict[str, Any]], Iterator[Change]]:
    return lambda payload: iter([Ignore(reason)])


_READERS: dict[str, Callable[[dict[str, Any]], Iterator[Change]]] = {
    "ANNOTATION_CREATED": _annotations,
    "ANNOTATIONS_CREATED": _annotations,
    "ANNOTATION_UPDATED": _annotations,
    "ANNOTATIONS_UPDATED": _annotations,
    "ANNOTATION_DELETED": _annotations_deleted,
    "ANNOTATIONS_DELETED": _annotations_deleted,
    "TASK_CREATED": _tasks,
    "TASKS_CREATED": _tasks,
    "TASK_UPDATED": _tasks,
    "TASKS_UPDATED": _tasks,
    "TASK_DELETED": _tasks_deleted,
    "TASKS_DELETED": _tasks_deleted,
    "PROJECT_CREATED": _project,
    "PROJECT_UPDATED": _project,
    SETUP: _setup,
    TRAIN: _train,
    START_TRAINING: _ignored("It starts a run and changes nothing in the mirror."),
    # The versions of a project outlive it.
    "PROJECT_DELETED": _ignored("The record of a deleted project is kept."),
}
# Label Studio's actions that are processed.
KNOWN_ACTIONS = frozenset(_READERS) - {SETUP, TRAIN}


def _need_sync(unreadable: int) -> Iterator[NeedSync]:
    """A sync for what an event names without an id, beside things that have one."""
    if unreadable:
        yield NeedSync(f"{unreadable} of the things that it names have no id")


def _listed(payload: dict[str, Any], *names: str) -> tuple[list[dict[str, Any]], int]:
    """The objects with an id under the first of these names that the payload has, one or many.

    And how many other things are there; raises MalformedEvent if there is nothing else.
    """
    found = _items(payload, *names)
    return _readable([i for i in found if isinstance(i, dict) and is_id(i.get("id"))], found, names)


def _ids(payload: dict[str, Any], *names: str) -> tuple[tuple[int, ...], int]:
    """The ids under the first of these names, and how many things there have none."""
    found = _items(payload, *names)
    ids = [item.get("id") if isinstance(item, dict) else item for item in found]
    known, unreadable = _readable([i for i in ids if is_id(i)], found, names)
    return tuple(known), unreadable


def _items(payload: dict[str, Any], *names: str) -> list[Any]:
    value = next((payload[name] for name in names if payload.get(name) is not None), [])
    return value if isinstance(value, list) else [value]


def _readable(known: list[T], found: list[Any], names: tuple[str, ...]) -> tuple[list[T], int]:
    if found and not known:
        raise MalformedEvent(f"`{names[0]}` holds nothing with an id.")
    return known, len(found) - len(known)

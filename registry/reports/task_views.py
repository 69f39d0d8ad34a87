"""Tasks for display: the text or the image, and the link to Label Studio."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from registry.engine import engine
from registry.models import Project, Task

_ADDRESS_UNKNOWN = (
    "Tasks have no link while Label Studio's address is unknown: "
    "Set credentials on the project's page takes it."
)
_DELETED = "A task without a link was deleted in Label Studio."


@dataclass(frozen=True)
class TaskView:
    """A task for display; `url` is None if it was deleted or Label Studio's address is unknown.

    The `text` of an image (`kind` is "image") is its address, and `thumbnail` the path of the
    route that shows it small; None for a text.
    """

    id: int
    labelstudio_id: int
    kind: str
    text: str
    url: str | None
    deleted: bool
    thumbnail: str | None = None


def task_views_by_id(project: Project, ids: Iterable[int]) -> dict[int, TaskView]:
    """The views of these tasks by id; one query."""
    found = list(Task.objects.filter(pk__in=list(ids)).defer("annotations"))
    return {task.id: task for task in task_views(project, found)}


def task_views(project: Project, tasks: Sequence[Task]) -> list[TaskView]:
    """The views of these tasks of the project, in their order; no query."""
    described = engine().describe_tasks(project, tasks)
    return [_view(task, description) for task, description in zip(tasks, described, strict=True)]


def _view(task: Task, description: dict[str, Any]) -> TaskView:
    is_image = description["kind"] == "image"
    return TaskView(
        id=task.pk,
        labelstudio_id=task.labelstudio_id,
        kind=description["kind"],
        text=_address(description["text"]) if is_image else description["text"],
        url=description["url"],
        deleted=task.deleted_at is not None,
        thumbnail=reverse("api:tasks-thumbnail", args=[task.pk]) if is_image else None,
    )


def why_no_link(tasks: Iterable[TaskView]) -> str:
    """Why some of the tasks have no link, in one sentence; "" where each has one."""
    without = [task for task in tasks if task.url is None]
    if any(not task.deleted for task in without):
        return _ADDRESS_UNKNOWN
    return _DELETED if without else ""


def _address(text: str) -> str:
    """The address without the data of a data URI, which may be megabytes."""
    return text.partition(",")[0] if text[:5].lower() == "data:" else text

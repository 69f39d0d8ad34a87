"""Tasks as people are shown them: text or image, and where they are in Label Studio."""

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
class ShownTask:
    """A task of the mirror; `url` is None where Label Studio has it no more, or is unknown.

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


def shown_tasks(project: Project, ids: Iterable[int]) -> dict[int, ShownTask]:
    """Those tasks by id; one query."""
    found = list(Task.objects.filter(pk__in=list(ids)).defer("annotations"))
    return {task.id: task for task in shown(project, found)}


def shown(project: Project, tasks: Sequence[Task]) -> list[ShownTask]:
    """Those tasks of the project as the engine describes them, in their order; no query."""
    described = engine().describe_tasks(project, tasks)
    return [_shown(task, said) for task, said in zip(tasks, described, strict=True)]


def _shown(task: Task, said: dict[str, Any]) -> ShownTask:
    is_image = said["kind"] == "image"
    return ShownTask(
        id=task.pk,
        labelstudio_id=task.labelstudio_id,
        kind=said["kind"],
        text=_address(said["text"]) if is_image else said["text"],
        url=said["url"],
        deleted=task.deleted_at is not None,
        thumbnail=reverse("api:tasks-thumbnail", args=[task.pk]) if is_image else None,
    )


def why_no_link(tasks: Iterable[ShownTask]) -> str:
    """In one line for a page of tasks; "" where each of them has a link."""
    without = [task for task in tasks if task.url is None]
    if any(not task.deleted for task in without):
        return _ADDRESS_UNKNOWN
    return _DELETED if without else ""


def _address(text: str) -> str:
    """Without the image itself, where the address holds it: that may be megabytes."""
    return text.partition(",")[0] if text[:5].lower() == "data:" else text

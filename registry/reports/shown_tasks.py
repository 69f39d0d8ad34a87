"""Tasks as people are shown them: their text, and where they are in Label Studio."""

from collections.abc import Iterable
from dataclasses import dataclass

from registry.engine import engine
from registry.models import Project, Task


@dataclass(frozen=True)
class ShownTask:
    """A task of the mirror; `url` is None where Label Studio has it no more, or is unknown."""

    id: int
    labelstudio_id: int
    kind: str
    text: str
    url: str | None
    deleted: bool


def shown_tasks(project: Project, ids: Iterable[int]) -> dict[int, ShownTask]:
    """Those tasks by id; one query."""
    found = Task.objects.filter(pk__in=list(ids)).defer("annotations")
    return {task.pk: shown(task, project) for task in found}


def shown(task: Task, project: Project) -> ShownTask:
    """The task as the engine describes it; no query."""
    task.project = project
    said = engine().describe_task(task)
    return ShownTask(
        id=task.pk,
        labelstudio_id=task.labelstudio_id,
        kind=said["kind"],
        text=said["text"],
        url=said["url"],
        deleted=task.deleted_at is not None,
    )

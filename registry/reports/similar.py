"""Which tasks are most like one: by the features of their images, as the engine knows them."""

from dataclasses import dataclass
from typing import Any

from registry.engine import engine
from registry.models import Task
from registry.reports.task_views import TaskView, task_views


@dataclass(frozen=True)
class Alike:
    """A task, the cosine of its features and those that it was asked for, and its labels."""

    cosine: float
    task: TaskView
    labels: dict[str, Any]


def similar(task: Task, k: int) -> list[Alike]:
    """The k tasks of its project that are most like it, in the engine's order; one query of ours.

    Raises what the engine raises, such as no_features. A task that is gone meanwhile is left out.
    """
    found = engine().similar(task, k)
    tasks = Task.objects.filter(project=task.project_id).defer("annotations")
    known = tasks.in_bulk([neighbour.task for neighbour in found])
    there = [(n.cosine, known[n.task]) for n in found if n.task in known]
    alike = task_views(task.project, [other for _, other in there])
    return [
        Alike(cosine, shown_task, other.labels)
        for (cosine, other), shown_task in zip(there, alike, strict=True)
    ]

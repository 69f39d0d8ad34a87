"""Lists of tasks: to label next, mistakes by score, and similar ones."""

from dataclasses import dataclass
from typing import Any

from django.db.models import F

from registry.engine import engine
from registry.models import ModelVersion, Outcome, Project, Task, TaskScore
from registry.reports.task_views import TaskView, task_views


@dataclass(frozen=True)
class NextTask:
    """An unlabelled task and the champion's score, 0 to 1."""

    score: float
    task: TaskView


def label_next(project: Project, limit: int = 20, offset: int = 0) -> list[NextTask]:
    """Unlabelled tasks, the lowest score first; one query.

    Uncertainty sampling by least confidence (Lewis and Gale, A Sequential Algorithm for
    Training Text Classifiers, 1994). Empty without a champion, and until it has scored them.
    """
    if project.champion_id is None:
        return []
    scores = TaskScore.objects.filter(
        version=project.champion_id,
        score__isnull=False,
        task__annotation_ids=[],
        task__deleted_at__isnull=True,
    )
    least_sure = scores.order_by("score", "task").select_related("task")
    found = list(least_sure[offset : offset + limit])
    tasks = task_views(project, [score.task for score in found])
    return [NextTask(s.score or 0.0, task) for s, task in zip(found, tasks, strict=True)]


def why_none(project: Project) -> str:
    """Why the list is empty, in one sentence; no query."""
    if project.champion is None:
        return "None until a version serves: its scores order the tasks."
    label = project.champion.label
    if project.scores_queued_at:
        return f"None yet: {label} is scoring the tasks without a label."
    new = "new ones are scored within half a minute"  # the events workers' clock
    return f"None: {label} has scored no task without a label; {new}."


@dataclass(frozen=True)
class Mistake:
    """A wrong prediction: a label for `single`, a sorted list for `multiple`; None: no answer."""

    outcome: int
    target: str
    human: Any
    predicted: Any
    score: float | None
    task: TaskView


def mistakes(
    version: ModelVersion,
    target: str | None = None,
    limit: int = 20,
    source: str = Outcome.Source.HOLDOUT,
) -> list[Mistake]:
    """The wrong predictions, highest score first; one query (and one for the version's project)."""
    wrong = Outcome.objects.filter(version=version, source=source, correct=False)
    if target is not None:
        wrong = wrong.filter(target=target)
    worst = wrong.order_by(F("score").desc(nulls_last=True), "id")[:limit]
    found = list(worst.select_related("task").defer("task__annotations"))
    tasks = task_views(version.project, [outcome.task for outcome in found])
    return [
        Mistake(
            outcome=outcome.pk,
            target=outcome.target,
            human=outcome.human,
            predicted=outcome.predicted,
            score=outcome.score,
            task=task,
        )
        for outcome, task in zip(found, tasks, strict=True)
    ]


@dataclass(frozen=True)
class Alike:
    """A similar task, the cosine of both tasks' features, and its labels."""

    cosine: float
    task: TaskView
    labels: dict[str, Any]


def similar(task: Task, k: int) -> list[Alike]:
    """The k most similar tasks of its project, in the engine's order; one query here.

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

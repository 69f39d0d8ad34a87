"""Which tasks to label next: those that the champion is least sure of."""

from dataclasses import dataclass

from registry.models import Project, TaskScore
from registry.reports.task_views import TaskView, task_views


@dataclass(frozen=True)
class NextTask:
    """A task that nobody has labelled, and how sure the champion is of its answer, 0 to 1."""

    score: float
    task: TaskView


def label_next(project: Project, limit: int = 20, offset: int = 0) -> list[NextTask]:
    """Unlabelled tasks, the least sure first; one query.

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
    """Why there may be none, in one sentence; no query."""
    if project.champion is None:
        return "None until a version serves: it orders them by how sure it is."
    label = project.champion.label
    if project.scores_queued_at:
        return f"None yet: {label} is scoring the tasks without a label."
    new = "new ones are scored within half a minute"  # the events workers' clock
    return f"None: {label} has scored no task without a label; {new}."

"""Where a version was wrong, and sure of it."""

from dataclasses import dataclass
from typing import Any

from django.db.models import F

from registry.models import ModelVersion, Outcome
from registry.reports.task_views import TaskView, task_views


@dataclass(frozen=True)
class Mistake:
    """A wrong answer: a label for `single`, a sorted list for `multiple`; None: no answer."""

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
    """The wrong answers, the surest first; one query (and one for the version's project)."""
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

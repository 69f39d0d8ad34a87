"""Versions with a record to ask of: outcomes and metrics made through the acts."""

from collections.abc import Callable
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

from registry.models import ModelVersion, Project
from tests.factories import METRICS, TARGET, ModelVersionFactory, TaskFactory

TOPICS = TARGET | {"name": "topics", "kind": "multiple", "labels": ["Food", "Price", "Staff"]}


def outcome(
    task: int, human: Any, predicted: Any, score: float | None = 0.9, target: str = "label"
) -> dict[str, Any]:
    """A row as `versions.register` takes it."""
    return {
        "task": task,
        "target": target,
        "predicted": predicted,
        "score": score,
        "human": human,
        "correct": predicted == human,
    }


def metric(name: str, value: float | None, *, target: str = "label", n: int = 40, **more: Any):
    """A row as `versions.register` takes it."""
    return {"target": target, "name": name, "split": "holdout", "value": value, "n": n, **more}


def labelled_tasks(project: Project, n: int) -> list[int]:
    """That many labelled tasks."""
    return [t.pk for t in TaskFactory.create_batch(n, project=project, labelled="Positive")]


def judged(
    project: Project,
    answers: list[tuple[Any, ...]],
    ids: list[int] | None = None,
    *,
    target: dict[str, Any] = TARGET,
    champion: bool = False,
    metrics: list[dict[str, Any]] | None = None,
) -> ModelVersion:
    """A version that was judged on a task for each (human, predicted) or (.., .., score)."""
    ids = labelled_tasks(project, len(answers)) if ids is None else ids
    return ModelVersionFactory(
        project=project,
        champion=champion,
        targets=[target],
        metrics=METRICS if metrics is None else metrics,
        outcomes=[
            outcome(task, *said, target=target["name"])
            for task, said in zip(ids, answers, strict=True)
        ],
    )


def queries(ask: Callable[[], Any]) -> int:
    """How many queries the question takes."""
    with CaptureQueriesContext(connection) as captured:
        ask()
    return len(captured)

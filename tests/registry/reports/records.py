"""Versions with a record: outcomes and metrics made through the actions."""

from collections.abc import Callable, Sequence
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

from registry.models import ModelVersion, Project
from tests.factories import (
    METRICS,
    TARGET,
    ImageTaskFactory,
    ModelVersionFactory,
    TaskFactory,
)

TOPICS = TARGET | {"name": "topics", "kind": "choices", "labels": ["Food", "Price", "Staff"]}


def outcome(
    task: int, human: Any, predicted: Any, score: float | None = 0.9, target: str = "label"
) -> dict[str, Any]:
    """A row as `tests.factories.result` takes it."""
    return {
        "task": task,
        "target": target,
        "predicted": predicted,
        "score": score,
        "human": human,
        "correct": predicted == human,
    }


def metric(name: str, value: float | None, *, target: str = "label", n: int = 40, **more: Any):
    """A row as `tests.factories.result` takes it."""
    return {"target": target, "name": name, "split": "holdout", "value": value, "n": n, **more}


def labelled_tasks(project: Project, n: int) -> list[int]:
    """Creates `n` labelled tasks."""
    return [t.pk for t in TaskFactory.create_batch(n, project=project, labelled="Positive")]


def classifier(
    project: Project,
    answers: list[tuple[Any, ...]],
    ids: list[int] | None = None,
    *,
    target: dict[str, Any] = TARGET,
    champion: bool = False,
    metrics: list[dict[str, Any]] | None = None,
) -> ModelVersion:
    """A version that was evaluated on one task for each (human, predicted) or (.., .., score)."""
    ids = labelled_tasks(project, len(answers)) if ids is None else ids
    return ModelVersionFactory(
        project=project,
        champion=champion,
        targets=[target],
        metrics=METRICS if metrics is None else metrics,
        outcomes=[
            outcome(task, *answer, target=target["name"])
            for task, answer in zip(ids, answers, strict=True)
        ],
    )


def queries(ask: Callable[[], Any]) -> int:
    """The number of queries of the call."""
    with CaptureQueriesContext(connection) as captured:
        ask()
    return len(captured)


CAT = TARGET | {"name": "is", "labels": ["cat"]}


def similarity(
    project: Project, answers: Sequence[tuple[Any, Any]], ids: list[int] | None = None, **more: Any
) -> ModelVersion:
    """A version that predicts "cat" or nothing for each task, as image similarity does.

    Its answer is right if it is "cat" where the human's is, and nothing where it is another.
    """
    ids = labelled_tasks(project, len(answers)) if ids is None else ids
    return ModelVersionFactory(
        project=project,
        pipeline="image_similarity",
        recipe="10 nearest neighbours",
        extractor="opencv-1",
        targets=[CAT],
        outcomes=[
            outcome(task, human, predicted, 0.8 if predicted else None, target="is")
            | {"correct": (human == "cat") == (predicted == "cat")}
            for task, (human, predicted) in zip(ids, answers, strict=True)
        ],
        **more,
    )


def clusters(
    project: Project,
    sizes: dict[str, int],
    answers: Sequence[tuple[Any, Any]] = (),
    ids: list[int] | None = None,
    *,
    exemplar_count: int = 2,
    **more: Any,
) -> ModelVersion:
    """A version that groups images, as image clusters does.

    `sizes` are the tasks of each cluster's name, `answers` (human, cluster's name or None) of
    the holdout; each cluster has `exemplar_count` exemplars.
    """
    ids = labelled_tasks(project, len(answers)) if ids is None else ids
    members = [task.pk for task in ImageTaskFactory.create_batch(exemplar_count, project=project)]
    rand = 0.7 if answers else None
    primary = rand if answers else 0.31
    return ModelVersionFactory(
        project=project,
        pipeline="image_clusters",
        recipe=f"{len(sizes)} clusters by k-means",
        extractor="opencv-1",
        primary_metric="adjusted_rand" if answers else "silhouette",
        targets=[TARGET | {"labels": list(sizes)}],
        metrics=[
            metric("adjusted_rand", rand, n=len(answers)),
            metric("v_measure", rand, n=len(answers)),
            metric("silhouette", 0.31),
            metric("clusters", float(len(sizes))),
            metric("baseline_adjusted_rand", 0.0 if answers else None, n=len(answers)),
            *(metric("support", float(n), label=name, n=n) for name, n in sizes.items()),
            metric("primary", primary, target="", n=len(answers) or 40),
        ],
        outcomes=[
            outcome(task, human, predicted)
            for task, (human, predicted) in zip(ids, answers, strict=True)
        ],
        exemplars=[
            {"target": "label", "label": name, "task": task, "score": 0.9 - place / 100}
            for name in sizes
            for place, task in enumerate(members)
        ],
        **more,
    )

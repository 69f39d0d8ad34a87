"""The exemplars of each label: the tasks for which a version gives it the highest scores."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, F, QuerySet, Window
from django.db.models.functions import RowNumber

from registry.models import Exemplar, ModelVersion
from registry.reports.metrics import ClassRow, per_class
from registry.reports.tasks import TaskView, task_views

_Key = tuple[str, str]  # target, label


@dataclass(frozen=True)
class ExemplarTask:
    """A task and its score for the label."""

    score: float
    task: TaskView


@dataclass(frozen=True)
class LabelExemplars:
    """A label with the first of its `total` examples, the best first.

    `n` is how many tasks the version gives it; `by_humans`, where it is evaluated by human labels,
    how many of the holdout humans gave it. None where it was not counted. `total` is None for a
    label that is only named.
    """

    target: str
    label: str
    n: int | None
    by_humans: bool
    total: int | None
    examples: list[ExemplarTask] = field(default_factory=list)


def exemplars(
    version: ModelVersion,
    target: str | None = None,
    label: str | None = None,
    limit: int = 12,
    most: int | None = None,
    classes: Sequence[ClassRow] | None = None,
) -> list[LabelExemplars]:
    """The labels that have exemplars, those of most tasks first, each with up to `limit` of them.

    Of more labels than `most` the later ones are only named. Two queries, one where the version's
    `classes` are given, and one for the version's project.
    """
    known = {
        (row.target, row.label): row
        for row in sorted(classes if classes is not None else per_class(version), key=_largest)
        if target in (None, row.target) and label in (None, row.label)
    }
    named = list(known)[most:] if most is not None else []
    found: dict[_Key, LabelExemplars] = {}
    rows = list(_first(version, target, label, limit, named))
    tasks = task_views(version.project, [row.task for row in rows]) if rows else []
    for row, task in zip(rows, tasks, strict=True):
        key = row.target, row.label
        one = found.setdefault(key, _label_exemplars(key, known, row.total))
        one.examples.append(ExemplarTask(row.score, task))
    if not found:
        return []
    only_named = [_label_exemplars(key, known, None) for key in named]
    return [*sorted(found.values(), key=_most_tasks), *only_named]


def _first(
    version: ModelVersion, target: str | None, label: str | None, limit: int, named: Sequence[_Key]
) -> QuerySet[Any]:
    """The first examples of each label that is not only named, with their total number."""
    stored = Exemplar.objects.filter(version=version)
    if target is not None:
        stored = stored.filter(target=target)
    if label is not None:
        stored = stored.filter(label=label)
    for of_target in {name for name, _ in named}:
        labels = [value for name, value in named if name == of_target]
        stored = stored.exclude(target=of_target, label__in=labels)
    label_of, best_first = [F("target"), F("label")], [F("score").desc(), F("id").asc()]
    placed = stored.annotate(
        place=Window(RowNumber(), partition_by=label_of, order_by=best_first),
        total=Window(Count("pk"), partition_by=label_of),
    )
    first = placed.filter(place__lte=limit).select_related("task").defer("task__annotations")
    return first.order_by("-score", "id")


def _label_exemplars(key: _Key, known: dict[_Key, ClassRow], total: int | None) -> LabelExemplars:
    row = known.get(key)
    return LabelExemplars(*key, row.n if row else None, row is not None and row.by_humans, total)


def _largest(row: ClassRow) -> tuple:
    return -row.n, row.target, row.label


def _most_tasks(one: LabelExemplars) -> tuple:
    return -(one.n or 0), -(one.total or 0), one.target, one.label

"""Whether a champion's scores of new tasks differ from those of the tasks before its training."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

import numpy as np
from django.db.models import (
    Case,
    CharField,
    Count,
    Exists,
    F,
    IntegerField,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Cast, Floor, Least
from django.utils import timezone

from registry.models import Outcome, Project, Task, TaskScore

DAYS = 7
# A page that is opened every day has one false alarm in some years.
_P = 0.001
_LEAST_N = 50  # tasks on either side
_BINS = 100  # of the scores
_MOST = 20_000  # outcomes of labelled tasks: the newest
_BEFORE, _NEW = "before", "new"


@dataclass(frozen=True)
class Drift:
    """The scores of the `n` tasks of the last days, beside those of `n_before` earlier ones.

    `distance` is the greatest one between their cumulative distributions, `p` the probability that
    chance makes it so great.
    """

    n: int
    n_before: int
    mean: float
    mean_before: float
    distance: float
    p: float

    @property
    def is_found(self) -> bool:
        """Whether chance hardly explains the distance."""
        return self.p < _P

    @property
    def sentence(self) -> str:
        """The numbers for people."""
        p = "p < 0.001" if self.p < _P else f"p = {self.p:.2g}"
        return (
            f"The mean score of the tasks of the last {DAYS} days is {self.mean:.2f} "
            f"(n = {self.n:,}), that of the tasks before the champion's training "
            f"{self.mean_before:.2f} (n = {self.n_before:,}), {p}"
        )


class Counted(NamedTuple):
    """The number of a side's tasks with a score in one bin, and the weight of each task."""

    side: str
    number: int
    n: int
    weight: float = 1.0


def drift(project: Project) -> Drift | None:
    """By the two-sample test of Kolmogorov and Smirnov; None where either side has too few tasks.

    The tasks before are those that were there when the champion's training read its labels, with a
    label or without, because those with one may have been chosen. New ones came since, in the last
    days. Their scores are the champion's, where it had not learned the task's label: the tasks of
    the holdout stand for all that it learned from. Two queries, where the champion has its run.
    """
    version = project.champion
    run = version.run if version else None
    if version is None or run is None or run.snapshot_at is None:
        return None
    since = Task.objects.filter(project=project, created_at__gt=run.snapshot_at)
    recent = since.filter(created_at__gt=timezone.now() - timedelta(days=DAYS))
    side = Case(
        When(task__gte=_first(recent), then=Value(_NEW)),
        When(task__lt=_first(since), then=Value(_BEFORE)),
        output_field=CharField(null=True),
    )
    counts = run.dataset_counts
    weight = counts.get("tasks", 0) / max(counts.get("holdout", 0), 1)
    of_version = Q(version=version) & Q(score__isnull=False) & Q(Exists(recent))
    return compared([*_unlabelled(of_version, side), *_labelled(of_version, side, weight)])


def _first(tasks: QuerySet[Task]) -> Subquery:
    """Tasks are numbered in the order in which they came; those of one import came at one time."""
    return Subquery(tasks.order_by("created_at", "pk").values("pk")[:1])


def _unlabelled(of_version: Q, side: Case) -> Iterator[Counted]:
    number = Least(Cast(Floor(F("score") * _BINS), IntegerField()), Value(_BINS - 1))
    rows = (
        TaskScore.objects.filter(of_version)
        .values_list(side, number)
        .annotate(n=Count("pk"))
        .order_by()
    )
    return (Counted(*row) for row in rows)


def _labelled(of_version: Q, side: Case, weight: float) -> Iterator[Counted]:
    """Of the holdout, each with the weight, and of tasks that were labelled since."""
    rows = (
        Outcome.objects.filter(of_version)
        .exclude(source=Outcome.Source.OUT_OF_FOLD)
        .order_by("-task")
        .values_list("task", "source", side, "score")
    )
    least: dict[int, tuple[str, str, float]] = {}
    for task, source, which, score in rows[:_MOST]:
        found = least.get(task)
        least[task] = source, which, min(score, found[2]) if found else score
    for source, which, score in least.values():
        number = min(int(score * _BINS), _BINS - 1)
        yield Counted(which, number, 1, weight if source == Outcome.Source.HOLDOUT else 1.0)


def compared(counted: Iterable[Counted]) -> Drift | None:
    """The test of both sides; None where one has too few tasks."""
    from scipy.special import kolmogorov  # not at the top: most pages do not need it

    weights = {side: np.zeros(_BINS) for side in (_BEFORE, _NEW)}
    squares = dict.fromkeys(weights, 0.0)
    for side, number, n_tasks, weight in counted:
        if side in weights:
            weights[side][number] += n_tasks * weight
            squares[side] += n_tasks * weight**2
    # As many tasks without weights say as much (Kish, Survey sampling, 1965).
    n_before, n = (w.sum() ** 2 / max(squares[side], 1e-9) for side, w in weights.items())
    if min(n_before, n) < _LEAST_N:
        return None
    before, new = (w / w.sum() for w in weights.values())
    distance = float(np.abs(np.cumsum(before) - np.cumsum(new)).max())
    middles = (np.arange(_BINS) + 0.5) / _BINS
    return Drift(
        n=int(n),
        n_before=int(n_before),
        mean=float(new @ middles),
        mean_before=float(before @ middles),
        distance=distance,
        p=float(kolmogorov(np.sqrt(n * n_before / (n + n_before)) * distance)),
    )

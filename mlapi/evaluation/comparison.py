"""Compares candidate and champion on the same tasks, by the metric of their label type."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlapi import label_types
from mlapi.label_types.base import Score
from registry.metrics import metric_info
from registry.statistics import as_number, bootstrap_interval, mean_over, resamples, wilson
from registry.training_result import Comparison, TargetComparison


@dataclass(frozen=True)
class PairedTarget:
    """A target's metric for candidate and champion, under weights of its tasks.

    `out_of_fold` are those of its tasks that are not of the holdout.
    """

    target: str
    metric: str
    tasks: Sequence[int]
    candidate: Score
    champion: Score
    excluded: int = 0
    out_of_fold: Collection[int] = ()

    @classmethod
    def of(
        cls,
        target: str,
        kind: str,
        tasks: Sequence[int],
        humans: Sequence[Any],
        candidate: Sequence[Any | None],
        champion: Sequence[Any | None],
        excluded: int = 0,
        out_of_fold: Collection[int] = (),
    ) -> "PairedTarget":
        """By the metric of the label type `kind`, of the values that both predicted.

        No prediction, and one that the label config of today does not allow, is None.
        """
        label_type = label_types.get(kind)
        own, others = (
            label_type.scores(humans, predicted)[label_type.metric]
            for predicted in (candidate, champion)
        )
        return cls(target, label_type.metric, tasks, own, others, excluded, out_of_fold)


@dataclass(frozen=True)
class PairedHoldout:
    """A part's targets; whether the champion serves any of today's config."""

    targets: Sequence[PairedTarget]
    champion_serves: bool


def compare(parts: Sequence[PairedHoldout], seed: int) -> Comparison:
    """The comparison of a run over the targets of all its parts, averaged unweighted.

    Its metric is that of the targets; where they differ it is `primary`, and each counts as a
    score, of which higher is better. The interval is the paired bootstrap's 95 % of candidate
    minus champion; None where there is no task.
    """
    known = [target for part in parts for target in part.targets]
    targets = [target for target in known if target.tasks]
    tasks = sorted({task for t in targets for task in t.tasks})
    index = {task: i for i, task in enumerate(tasks)}
    weights = resamples(np.ones(len(tasks)), seed).astype(np.float32)
    each = np.ones((1, len(tasks)))
    scores = [_Scores.of(t, [index[task] for task in t.tasks], each, weights) for t in targets]
    metrics = {t.metric for t in targets or known} or {_DEFAULT}
    is_mixed = len(metrics) > 1
    return Comparison(
        metric=MIXED if is_mixed else metrics.pop(),
        **_numbers([one.higher_is_better() for one in scores] if is_mixed else scores),
        n=len(tasks),
        excluded=sum(t.excluded for t in targets),
        n_out_of_fold=len({task for t in targets for task in t.out_of_fold}),
        champion_serves=any(part.champion_serves for part in parts),
        targets={
            t.target: TargetComparison(
                metric=t.metric,
                **_numbers([one]),
                n=len(t.tasks),
                excluded=t.excluded,
                n_out_of_fold=len(t.out_of_fold),
            )
            for t, one in zip(targets, scores, strict=True)
        },
    )


def own_interval(targets: Sequence[PairedTarget], seed: int) -> list[float] | None:
    """The 95 % interval of a version's primary metric; None where there is no task.

    The bootstrap's over the same tasks. Where every task is predicted correctly all resamples are
    equal, so for a metric within 0..1 it reaches at least as far as Wilson's interval of a share.
    """
    targets = [target for target in targets if target.tasks]
    tasks = sorted({task for t in targets for task in t.tasks})
    index = {task: i for i, task in enumerate(tasks)}
    is_mixed = len({t.metric for t in targets}) > 1

    def mean_under(weights: np.ndarray) -> np.ndarray:
        values = [t.candidate(weights[:, [index[task] for task in t.tasks]]) for t in targets]
        if is_mixed:
            values = [
                metric_info(t.metric).score(of) for t, of in zip(targets, values, strict=True)
            ]
        return mean_over(values)

    value = as_number(mean_under(np.ones((1, len(tasks)))))
    weights = resamples(np.ones(len(tasks)), seed).astype(np.float32)
    drawn = bootstrap_interval(mean_under(weights)) if value is not None else None
    if value is None or drawn is None:
        return None
    if any(metric_info(t.metric).range != (0.0, 1.0) for t in targets):
        return list(drawn)
    low, high = wilson(value * len(tasks), len(tasks))
    return [min(low, drawn[0]), max(high, drawn[1])]


MIXED = "primary"  # the metric of targets that do not have the same one
_DEFAULT = "macro_f1"  # of a comparison without a target


@dataclass(frozen=True)
class _Scores:
    """A target's metric of both on its tasks, (1,), and on each resample of them, (resamples,)."""

    metric: str
    candidate: np.ndarray
    champion: np.ndarray
    drawn_candidate: np.ndarray
    drawn_champion: np.ndarray

    @classmethod
    def of(
        cls, target: PairedTarget, where: list[int], each: np.ndarray, weights: np.ndarray
    ) -> "_Scores":
        """Where its tasks are among all that `each` and `weights` are of."""
        own = [of_all[:, where] for of_all in (each, weights)]
        both = (target.candidate, target.champion)
        return cls(target.metric, *(score(some) for some in own for score in both))

    def higher_is_better(self) -> "_Scores":
        """The same as scores, of which those of several metrics can be averaged."""
        values = (self.candidate, self.champion, self.drawn_candidate, self.drawn_champion)
        return _Scores(self.metric, *(metric_info(self.metric).score(value) for value in values))


def _numbers(scores: Sequence[_Scores]) -> dict[str, Any]:
    candidate = as_number(mean_over([one.candidate for one in scores]))
    champion = as_number(mean_over([one.champion for one in scores]))
    if candidate is None or champion is None:
        nothing = {"candidate": candidate, "champion": champion}
        return {**nothing, "difference": None, "interval": None}
    found = bootstrap_interval(
        mean_over([one.drawn_candidate - one.drawn_champion for one in scores])
    )
    return {
        "candidate": candidate,
        "champion": champion,
        "difference": candidate - champion,
        "interval": found and list(found),
    }

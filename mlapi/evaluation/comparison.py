"""Compares candidate and champion on the same tasks, by the metric of their label type."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlapi import label_types
from mlapi.label_types.base import Score
from registry.paired_bootstrap import interval, mean_over, resamples
from registry.training_result import Comparison, TargetComparison


@dataclass
class PairedPredictions:
    """A target's holdout: the humans' values of each task, and those that both predicted.

    `kind` is the label type's name. No prediction, and one that the label config of today does
    not allow, is None.
    """

    target: str
    kind: str
    tasks: list[int]
    humans: Sequence[Any]
    candidate: Sequence[Any | None]
    champion: Sequence[Any | None]
    excluded: int = 0


@dataclass
class _Scores:
    """A target's metric for both, over weights of all tasks; `where` are the target's own."""

    metric: str
    where: list[int]
    candidate: Score
    champion: Score

    def both(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        own = weights[:, self.where]
        return self.candidate(own), self.champion(own)


def compare(
    targets: Sequence[PairedPredictions], *, champion_serves: bool, seed: int
) -> Comparison:
    """The comparison of a run; targets are averaged unweighted.

    Its metric is that of the targets, `primary` where they differ. The interval is the paired
    bootstrap's 95 % of candidate minus champion; None where there is no task.
    """
    targets = [t for t in targets if t.tasks]
    tasks = sorted({task for t in targets for task in t.tasks})
    index = {task: i for i, task in enumerate(tasks)}
    scores = [_scores(t, index) for t in targets]
    weights = resamples(np.ones(len(tasks)), seed).astype(np.float32)
    by_target = [_numbers([one], weights) for one in scores]
    metrics = {one.metric for one in scores} or {_DEFAULT}
    return Comparison(
        metric=metrics.pop() if len(metrics) == 1 else "primary",
        **_numbers(scores, weights),
        n=len(tasks),
        excluded=sum(t.excluded for t in targets),
        champion_serves=champion_serves,
        targets={
            t.target: TargetComparison(
                metric=one.metric, **numbers, n=len(t.tasks), excluded=t.excluded
            )
            for t, one, numbers in zip(targets, scores, by_target, strict=True)
        },
    )


_DEFAULT = "macro_f1"  # of a comparison without a task


def _scores(target: PairedPredictions, index: dict[int, int]) -> _Scores:
    label_type = label_types.get(target.kind)
    candidate, champion = (
        label_type.scores(target.humans, predicted)[label_type.metric]
        for predicted in (target.candidate, target.champion)
    )
    where = [index[task] for task in target.tasks]
    return _Scores(label_type.metric, where, candidate, champion)


def _numbers(scores: Sequence[_Scores], weights: np.ndarray) -> dict[str, Any]:
    each = np.ones((1, weights.shape[1]), dtype=weights.dtype)
    candidate, champion = (
        (_defined(mean_over(one)) for one in zip(*(s.both(each) for s in scores), strict=True))
        if scores
        else (None, None)
    )
    if candidate is None or champion is None:
        nothing = {"candidate": candidate, "champion": champion}
        return {**nothing, "difference": None, "interval": None}
    drawn = mean_over([new - old for new, old in (s.both(weights) for s in scores)])
    found = interval(drawn)
    return {
        "candidate": candidate,
        "champion": champion,
        "difference": candidate - champion,
        "interval": found and list(found),
    }


def _defined(value: np.ndarray) -> float | None:
    return float(value[0]) if np.isfinite(value[0]) else None

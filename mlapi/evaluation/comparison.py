"""Compares candidate and champion on the same tasks: macro F1, and the difference's interval."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from registry.f1 import indicators, macro_f1, weighted_macro_f1
from registry.paired_bootstrap import interval, mean_over, resamples
from registry.training_result import Comparison, TargetComparison


@dataclass
class PairedPredictions:
    """A target's holdout: the human labels of each task, and the answers of both, as sets.

    No answer, and one that the label config of today does not allow, is None.
    """

    target: str
    tasks: list[int]
    humans: list[tuple[str, ...]]
    candidate: list[tuple[str, ...] | None]
    champion: list[tuple[str, ...] | None]
    excluded: int = 0


@dataclass
class _Matrices:
    truth: np.ndarray
    candidate: np.ndarray
    champion: np.ndarray


def compare(
    targets: Sequence[PairedPredictions], *, champion_serves: bool, seed: int
) -> Comparison:
    """The comparison of a run, its numbers macro F1; targets are averaged unweighted.

    The interval is the paired bootstrap's 95 % of candidate minus champion; None where
    there is no task.
    """
    targets = [t for t in targets if t.tasks]
    tasks = sorted({task for t in targets for task in t.tasks})
    index = {task: i for i, task in enumerate(tasks)}
    matrices = [_matrices(t, index) for t in targets]
    weights = resamples(np.ones(len(tasks)), seed).astype(np.float32)
    by_target = [_numbers([m], weights) for m in matrices]
    return Comparison(
        metric="macro_f1",
        **_numbers(matrices, weights),
        n=len(tasks),
        excluded=sum(t.excluded for t in targets),
        champion_serves=champion_serves,
        targets={
            t.target: TargetComparison(
                metric="macro_f1", **numbers, n=len(t.tasks), excluded=t.excluded
            )
            for t, numbers in zip(targets, by_target, strict=True)
        },
    )


def _matrices(target: PairedPredictions, index: dict[int, int]) -> _Matrices:
    """Indicator matrices over all tasks; a task without a label for the target is all zeros."""
    labels = sorted({label for human in target.humans for label in human})
    where = [index[task] for task in target.tasks]

    def matrix_of(answers: Sequence[Sequence[str] | None]) -> np.ndarray:
        matrix = np.zeros((len(index), len(labels)), dtype=np.float32)
        matrix[where] = indicators([a or () for a in answers], labels)
        return matrix

    return _Matrices(
        matrix_of(target.humans), matrix_of(target.candidate), matrix_of(target.champion)
    )


def _numbers(matrices: Sequence[_Matrices], weights: np.ndarray) -> dict[str, Any]:
    candidate = _mean([macro_f1(m.truth, m.candidate) for m in matrices])
    champion = _mean([macro_f1(m.truth, m.champion) for m in matrices])
    if candidate is None or champion is None:
        nothing = {"candidate": candidate, "champion": champion}
        return {**nothing, "difference": None, "interval": None}
    drawn = mean_over(
        [
            weighted_macro_f1(m.truth, m.candidate, weights)
            - weighted_macro_f1(m.truth, m.champion, weights)
            for m in matrices
        ]
    )
    found = interval(drawn)
    return {
        "candidate": candidate,
        "champion": champion,
        "difference": candidate - champion,
        "interval": found and list(found),
    }


def _mean(values: Sequence[float | None]) -> float | None:
    known = [v for v in values if v is not None]
    return float(np.mean(known)) if known else None

"""Formulas of 95 % intervals and agreement, with their sources, and of proportions and F1.

Pure, and without Django, which neither the training child nor an exported version has.
"""

import math
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

_Z = 1.9599639845400536  # the 97.5 % quantile of the normal distribution
PROPORTION_MIN_N = 20
RESAMPLES = 1000


def wilson(correct: float, n: int) -> tuple[float, float]:
    """The 95 % Wilson score interval of a share (Wilson 1927), within 0..1.

    Not by `scipy.stats.binomtest`, which a test holds it to: every web process would import
    scipy.stats (1.2 s, 74 MB) for its first page, and each interval would take 0.3 ms, not 5 µs.
    """
    if n == 0:
        return 0.0, 1.0
    p = correct / n
    scale = 1 + _Z * _Z / n
    centre = (p + _Z * _Z / (2 * n)) / scale
    half = _Z * math.sqrt(p * (1 - p) / n + _Z * _Z / (4 * n * n)) / scale
    return max(0.0, centre - half), min(1.0, centre + half)


@dataclass(frozen=True)
class Proportion:
    """The proportion of `n` predictions that were correct; share and interval are None below 20."""

    n: int
    correct: int

    @property
    def share(self) -> float | None:
        """Within 0..1."""
        return self.correct / self.n if self.n >= PROPORTION_MIN_N else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % Wilson interval of the share."""
        return wilson(self.correct, self.n) if self.n >= PROPORTION_MIN_N else None


def krippendorff_alpha(units: Iterable[Sequence[Hashable]]) -> float | None:
    """The agreement in nominal values: 1 for agreement, 0 for what chance gives.

    A unit is a task with one value of each of its annotators. None where no unit has two values,
    or all are equal. Krippendorff, Computing Krippendorff's Alpha-Reliability (2011).
    """
    pairable = [Counter(values) for values in units if len(values) > 1]
    of_value: Counter[Hashable] = Counter()
    disagreement = 0.0
    for counts in pairable:
        of_value.update(counts)
        m = counts.total()
        disagreement += (m * m - sum(n * n for n in counts.values())) / (m - 1)
    n = of_value.total()
    expected = n * n - sum(count * count for count in of_value.values())
    if not expected:
        return None
    return 1 - (n - 1) * disagreement / expected


# The paired bootstrap: the interval of a difference on the same tasks. The same resampled tasks for
# both, and the middle 95 % of the differences (Efron and Tibshirani, An Introduction to the
# Bootstrap, 1993, ch. 13 and 16).


def resamples(counts: np.ndarray, seed: int) -> np.ndarray:
    """(resamples, cells): how often each cell is drawn, where `counts` tasks are equal to it.

    Distinct tasks are cells with a count of 1.
    """
    n = int(counts.sum())
    if n == 0:
        return np.zeros((RESAMPLES, len(counts)))
    rng = np.random.default_rng(seed)
    return rng.multinomial(n, counts / n, size=RESAMPLES).astype(np.float64)


def mean_over(targets: Sequence[np.ndarray]) -> np.ndarray:
    """The mean over targets (rows) of those that are defined; NaN where none is.

    A resample may miss all labelled tasks of a small target: its mean is over the others.
    """
    if not targets:
        return np.array([np.nan])
    values = np.array(targets)
    defined = np.isfinite(values)
    count = defined.sum(axis=0)
    total = np.where(defined, values, 0).sum(axis=0)
    return np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)


def as_number(values: np.ndarray) -> float | None:
    """The one number of (1,); None where it is undefined."""
    return float(values[0]) if np.isfinite(values[0]) else None


def bootstrap_interval(drawn: np.ndarray) -> tuple[float, float] | None:
    """The middle 95 % of the resamples in which the number is defined."""
    drawn = drawn[np.isfinite(drawn)]
    if not len(drawn):
        return None
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(low), float(high)


# F1 scores of label sets as arrays of 0 and 1.


def indicators(label_sets: Sequence[Sequence[str]], labels: Sequence[str]) -> np.ndarray:
    """(n, labels) of 0 and 1: which of the labels each set holds."""
    number = {label: i for i, label in enumerate(labels)}
    matrix = np.zeros((len(label_sets), len(labels)), dtype=np.float32)
    for i, label_set in enumerate(label_sets):
        for label in label_set:
            if label in number:
                matrix[i, number[label]] = 1
    return matrix


def f1_by_label(truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """2 TP / (truth + predicted) of each column; NaN for a label in neither."""
    hits = (truth * predicted).sum(axis=0, dtype=np.float64)
    both = truth.sum(axis=0, dtype=np.float64) + predicted.sum(axis=0, dtype=np.float64)
    return np.divide(2 * hits, both, out=np.full(len(both), np.nan), where=both > 0)


def macro_f1(truth: np.ndarray, predicted: np.ndarray) -> float | None:
    """Mean F1 over the labels that humans gave here.

    A label that only the model says costs the true one its recall and has no term of its
    own, so that two models are averaged over the same labels.
    """
    present = truth.sum(axis=0) > 0
    return float(f1_by_label(truth, predicted)[present].mean()) if present.any() else None


def weighted_f1_by_label(
    truth: np.ndarray, predicted: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """F1 of each label (columns) under each row of `weights` (rows, n); NaN as in `f1_by_label`."""
    both = weights @ (truth + predicted)
    hits = weights @ (truth * predicted)
    return np.divide(2 * hits, both, out=np.full(both.shape, np.nan), where=both > 0)


def weighted_macro_f1(truth: np.ndarray, predicted: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Macro F1 under each row of `weights`, over the labels humans gave in it; NaN if none."""
    present = weights @ truth > 0
    f1 = np.where(present, weighted_f1_by_label(truth, predicted, weights), 0.0)
    count = present.sum(axis=1)
    return np.divide(f1.sum(axis=1), count, out=np.full(len(count), np.nan), where=count > 0)


def weighted_micro_f1(truth: np.ndarray, predicted: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Micro F1, over all decisions together, under each row of `weights`; NaN if there are none."""
    both = weights @ (truth + predicted).sum(axis=1)
    hits = weights @ (truth * predicted).sum(axis=1)
    return np.divide(2 * hits, both, out=np.full(both.shape, np.nan), where=both > 0)

"""The paired bootstrap: the interval of a difference on the same tasks. Pure.

The same resampled tasks for both, and the middle 95 % of the differences (Efron and Tibshirani,
An Introduction to the Bootstrap, 1993, ch. 13 and 16).
"""

from collections.abc import Sequence

import numpy as np

RESAMPLES = 1000


def resamples(counts: np.ndarray, seed: int) -> np.ndarray:
    """(resamples, cells): how often each cell is drawn, where `counts` tasks are equal to it.

    Tasks that are told apart are cells with a count of 1.
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


def interval(drawn: np.ndarray) -> tuple[float, float] | None:
    """The middle 95 % of the resamples in which the number is defined."""
    drawn = drawn[np.isfinite(drawn)]
    if not len(drawn):
        return None
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(low), float(high)

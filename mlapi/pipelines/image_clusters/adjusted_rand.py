"""The adjusted Rand index of clusters under weights of the tasks, as two versions are compared by.

Hubert and Arabie, Comparing partitions, Journal of Classification 2, 1985.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from mlapi.label_types.base import Score


def adjusted_rand(truth: Sequence[Any], clusters: np.ndarray) -> Score:
    """Of these clusters beside the classes of the truth; a weight is how often a task counts.

    1 where both have all tasks together or each task alone, as scikit-learn has it; undefined on
    fewer than two tasks.
    """
    classes = np.unique(np.asarray(truth), return_inverse=True)[1]
    _, groups = np.unique(clusters, return_inverse=True)
    cells = np.unique(np.stack([classes, groups]), axis=1, return_inverse=True)[1]
    memberships = [_membership(of) for of in (cells.reshape(-1), classes, groups)]

    def score(weights: np.ndarray) -> np.ndarray:
        in_both, in_class, in_group = (_pairs(weights @ of).sum(axis=1) for of in memberships)
        every = _pairs(weights.sum(axis=1, dtype=np.float64))
        expected = _quotient(in_class * in_group, every)
        most = (in_class + in_group) / 2
        alike = np.where(every > 0, 1.0, np.nan)
        return np.where(most == expected, alike, _quotient(in_both - expected, most - expected))

    return score


def by_chance(weights: np.ndarray) -> np.ndarray:
    """The score of clusters that say nothing."""
    return np.zeros(len(weights))


def _membership(of: np.ndarray) -> np.ndarray:
    """(tasks, groups): 1 where a task is in a group."""
    return np.eye(of.max(initial=-1) + 1, dtype=np.float32)[of]


def _pairs(sizes: np.ndarray) -> np.ndarray:
    """The number of pairs in groups of these sizes."""
    sizes = sizes.astype(np.float64)
    return sizes * (sizes - 1) / 2


def _quotient(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    return np.divide(above, below, out=np.full_like(above, np.nan), where=below != 0)

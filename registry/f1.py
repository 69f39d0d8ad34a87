"""F1 scores of label sets as arrays of 0 and 1. Pure."""

from collections.abc import Sequence

import numpy as np


def indicators(answers: Sequence[Sequence[str]], labels: Sequence[str]) -> np.ndarray:
    """(n, labels) of 0 and 1: which of the labels each answer, a set, holds."""
    number = {label: i for i, label in enumerate(labels)}
    matrix = np.zeros((len(answers), len(labels)), dtype=np.float32)
    for i, answer in enumerate(answers):
        for label in answer:
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

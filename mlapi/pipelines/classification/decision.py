"""The decision among the probabilities of one label, in which rare labels may count more.

The likeliest label is right most often; with one label in 50 it hardly ever is the rare one, which
is half of macro F1. Compared is p / frequency^exponent (Menon et al., Long-tail learning via logit
adjustment, 2021), with the exponent that has the best macro F1 on unseen examples. Labels that are
equally frequent are decided as they were, whatever the exponent. Probabilities stay as they are.
"""

from dataclasses import dataclass

import numpy as np

from registry.statistics import macro_f1

_EXPONENTS = (0.0, 0.25, 0.5, 0.75, 1.0)
_LEAST_GAIN = 0.02  # of macro F1: less is chance


@dataclass(frozen=True)
class DecisionRule:
    """Predicts the label whose probability times its weight is the largest.

    The largest weight is 1; `note` is a line for people.
    """

    weights: np.ndarray
    note: str


def fit(probabilities: np.ndarray, labels: np.ndarray) -> DecisionRule | None:
    """By the probabilities (n, k) of unseen examples and their labels (n,).

    None where the likeliest label does as well.
    """
    n, k = probabilities.shape
    frequency = np.maximum(np.bincount(labels, minlength=k), 1) / max(n, 1)
    truth = np.eye(k)
    each = [frequency**-exponent for exponent in _EXPONENTS]
    scores = [
        macro_f1(truth[labels], truth[(probabilities * one).argmax(axis=1)]) or 0.0 for one in each
    ]
    best = int(np.argmax(scores))
    if scores[best] - scores[0] < _LEAST_GAIN:
        return None
    note = (
        f"Rare labels count more (probability / frequency^{_EXPONENTS[best]:g}): macro F1 "
        f"{scores[best]:.3f} instead of {scores[0]:.3f} on the {n} unseen examples that chose it."
    )
    return DecisionRule(each[best] / each[best].max(), note)


def out_of_fold_weights(
    probabilities: np.ndarray, labels: np.ndarray, fold: np.ndarray
) -> np.ndarray:
    """(n, k): for each example the weights that are fitted on the examples of the other folds.

    An evaluation on the examples that chose the exponent would be too good.
    """
    weights = np.ones(probabilities.shape)
    for number in np.unique(fold):
        out = fold == number
        found = fit(probabilities[~out], labels[~out])
        if found is not None:
            weights[out] = found.weights
    return weights

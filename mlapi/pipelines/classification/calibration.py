"""Calibrates an estimator's scores to probabilities, fitted on scores of unseen examples.

Not by scikit-learn's CalibratedClassifierCV: its temperature has no prior on the targets, without
which a few examples that are told apart give certainty.

The share of a row that all labels have in equal parts is k / (2n + k) of k labels in n examples, as
if each had half an example more (Krichevsky and Trofimov, The performance of universal encoding,
1981). Equal parts move no decision. `benchmarks/small_data.py` measures log loss and calibration
error with and without the share.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit, log_softmax

from mlapi.pipelines.classification.candidates import UNSEEN
from mlapi.pipelines.parts import Parts

# Of the temperature: what scores of ridge have where there is little to learn from.
_PRIOR, _PRIOR_WEIGHT = 0.7, 2.0
_FEW = 3  # fewer positive or negative examples do not place a label's own sigmoid


@dataclass
class Temperature:
    """softmax(scores / temperature): one number, so that few examples and rare classes do.

    Guo et al., On Calibration of Modern Neural Networks, 2017.
    """

    temperature: float

    def probabilities(self, scores: np.ndarray) -> np.ndarray:
        """(n, labels), rows add up to 1; 0 for labels that were not learned."""
        known = np.where(scores <= UNSEEN, -np.inf, scores / self.temperature)
        # Not SciPy's softmax, which takes 50 us for one row.
        odds = np.exp(known - known.max(axis=1, keepdims=True))
        return odds / odds.sum(axis=1, keepdims=True)

    def to_parts(self) -> dict[str, Any]:
        return {"kind": "temperature", "temperature": self.temperature}

    @classmethod
    def from_parts(cls, parts: Parts, n_labels: int) -> "Temperature":
        temperature = parts.number("temperature")
        if temperature <= 0:
            raise parts.wrong("a temperature is above 0.")
        return cls(temperature)


@dataclass
class ShrunkTemperature(Temperature):
    """A temperature, and a share of each row that is all labels' in equal parts.

    `labels` counts those of the config: one without an example has its part as well, so a row adds
    up to less than 1 where there are some. The order of a row's labels is the temperature's.
    """

    share: float
    labels: int

    def probabilities(self, scores: np.ndarray) -> np.ndarray:
        """(n, labels learned); what a row lacks to 1 belongs to the labels without an example."""
        return (1 - self.share) * super().probabilities(scores) + self.share / self.labels

    def to_parts(self) -> dict[str, Any]:
        shrunk = {"kind": "shrunk_temperature", "share": self.share, "labels": self.labels}
        return {**super().to_parts(), **shrunk}

    @classmethod
    def from_parts(cls, parts: Parts, n_labels: int) -> "ShrunkTemperature":
        found = Temperature.from_parts(parts, n_labels)
        share, labels = parts.number("share"), parts.count("labels")
        if not 0 <= share <= 1 or labels < max(1, n_labels):
            raise parts.wrong("a share is from 0 to 1, of all labels.")
        return cls(found.temperature, share, labels)


@dataclass
class Sigmoids:
    """sigmoid(a * score + b) for each label; Platt, Probabilistic outputs for SVMs, 1999."""

    slopes: np.ndarray
    intercepts: np.ndarray

    def probabilities(self, scores: np.ndarray) -> np.ndarray:
        """(n, labels), each by itself; 0 for labels that were not learned."""
        return np.where(scores <= UNSEEN, 0.0, expit(self.slopes * scores + self.intercepts))

    def to_parts(self) -> dict[str, Any]:
        return {"kind": "sigmoids", "slopes": self.slopes, "intercepts": self.intercepts}

    @classmethod
    def from_parts(cls, parts: Parts, n_labels: int) -> "Sigmoids":
        return cls(parts.array("slopes", n_labels), parts.array("intercepts", n_labels))


KINDS = {
    "temperature": Temperature,
    "shrunk_temperature": ShrunkTemperature,
    "sigmoids": Sigmoids,
}


def fit(
    scores: np.ndarray, labels: np.ndarray, shape: str, unlearned: int = 0
) -> Temperature | Sigmoids:
    """Fit on out-of-fold scores (n, labels); `labels` as in `linear.fit`.

    `unlearned` counts the labels of the config that have no example.
    """
    if shape == "multiple":
        return _sigmoids(scores, labels)
    n, k = scores.shape
    return ShrunkTemperature(_temperature(scores, labels), k / (2 * n + k), k + unlearned)


def _temperature(scores: np.ndarray, labels: np.ndarray) -> float:
    """By maximum likelihood, with a prior that two examples outweigh."""
    from scipy.optimize import minimize_scalar  # not at the top: who predicts needs none of it

    own = scores[np.arange(len(labels)), labels]
    usable = own > UNSEEN  # the only example of a class is never seen out of its fold
    scores, labels = scores[usable], labels[usable]
    n, k = scores.shape
    if n == 0 or k < 2:
        return 1.0
    # Platt's prior for each class: without it a few separable examples give certainty.
    target = np.full((n, k), 1 / ((n + 2) * (k - 1)))
    target[np.arange(n), labels] = (n + 1) / (n + 2)

    def loss(log_t: float) -> float:
        prior = _PRIOR_WEIGHT * (log_t - np.log(_PRIOR)) ** 2
        return prior - float((target * log_softmax(scores / np.exp(log_t), axis=1)).sum())

    # A label unseen in a fold stands at UNSEEN there: a large penalty that is not infinite.
    found = minimize_scalar(loss, bounds=(np.log(0.02), np.log(20)), method="bounded")
    return float(np.exp(found.x))


def _sigmoids(scores: np.ndarray, labels: np.ndarray) -> Sigmoids:
    n_labels = labels.shape[1]
    known = scores > UNSEEN
    pooled = _platt(scores[known], labels[known])
    slopes = np.full(n_labels, pooled[0])
    intercepts = np.full(n_labels, pooled[1])
    for j in range(n_labels):
        s, y = scores[known[:, j], j], labels[known[:, j], j]
        if _FEW <= y.sum() <= len(y) - _FEW:
            slopes[j], intercepts[j] = _platt(s, y)
    return Sigmoids(slopes, intercepts)


def _platt(scores: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """Slope and intercept, with Platt's prior on the targets; the slope is never negative."""
    from scipy.optimize import minimize

    positive = float(labels.sum())
    negative = len(labels) - positive
    target = np.where(labels == 1, (positive + 1) / (positive + 2), 1 / (negative + 2))

    def loss(ab: np.ndarray) -> tuple[float, np.ndarray]:
        z = ab[0] * scores + ab[1]
        value = np.mean(np.logaddexp(0, z) - target * z) if len(scores) else 0.0
        error = expit(z) - target
        gradient = [np.mean(error * scores), np.mean(error)] if len(scores) else [0.0, 0.0]
        return float(value), np.array(gradient)

    bounds = [(0.0, 50.0), (-50.0, 50.0)]
    found = minimize(loss, np.array([3.0, 0.0]), jac=True, method="L-BFGS-B", bounds=bounds)
    return float(found.x[0]), float(found.x[1])

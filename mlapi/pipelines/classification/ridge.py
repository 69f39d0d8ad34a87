"""Ridge regression on +-1 targets over some features: one estimator for one label and for several.

Deterministic, and with scores of one scale whatever the features: what a race compares, and
what a calibration turns into probabilities.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from sklearn.linear_model import RidgeClassifier

from mlapi.domain import Kind
from mlapi.pipelines.classification.recipes import UNSEEN

_LEAST = UNSEEN + 1


class Features(Protocol):
    """Turns inputs into a matrix, dense or sparse."""

    @property
    def nbytes(self) -> int:
        """What it takes in memory once it is fitted, about."""

    def fit_transform(self, inputs: Sequence[Any]) -> Any:
        """(n, features), after learning from these inputs."""

    def transform(self, inputs: Sequence[Any]) -> Any:
        """(n, features)."""


@dataclass
class RidgeEstimator:
    """Fitted ridge. `classes` are the columns that it knows, of the target's labels."""

    features: Features | None
    ridge: RidgeClassifier | None
    classes: np.ndarray
    n_labels: int

    def scores(self, inputs: Sequence[Any]) -> np.ndarray:
        """(n, n_labels): the higher, the more of that label; UNSEEN where it was not learned."""
        scores = np.full((len(inputs), self.n_labels), UNSEEN)
        if self.ridge is None or self.features is None:
            scores[:, self.classes] = 1.0
            return scores
        decided = self.ridge.decision_function(self.features.transform(inputs))
        if decided.ndim == 1:  # two classes have one score, of the second
            decided = decided[:, None] if len(self.classes) == 1 else np.c_[-decided, decided]
        scores[:, self.classes] = np.maximum(decided, _LEAST)
        return scores

    @property
    def nbytes(self) -> int:
        if self.ridge is None or self.features is None:
            return 0
        return int(self.ridge.coef_.nbytes) + self.features.nbytes


def fit(
    features: Features,
    inputs: Sequence[Any],
    labels: np.ndarray,
    n_labels: int,
    kind: Kind,
    alpha: float = 1.0,
) -> RidgeEstimator:
    """Fit the features, and ridge over them; `labels` as in `Recipe.fit`."""
    if kind == "single":
        classes = np.unique(labels)
        constant = len(classes) == 1
    else:
        classes = np.flatnonzero(labels.any(axis=0))
        constant = len(classes) == 0
    if constant:
        return RidgeEstimator(None, None, classes, n_labels)
    matrix = features.fit_transform(inputs)
    wanted = labels if kind == "single" else labels[:, classes]
    if kind == "multiple" and len(classes) == 1:
        if wanted.all():  # ridge takes no single class
            return RidgeEstimator(None, None, classes, n_labels)
        wanted = wanted[:, 0]
    ridge = RidgeClassifier(alpha=alpha).fit(matrix, wanted)
    # A term's coefficients side by side, as SciPy multiplies them: else it copies all of them
    # for each prediction, 20 ms for 50 labels of 270,000 terms.
    ridge.coef_ = np.asfortranarray(ridge.coef_)
    return RidgeEstimator(features, ridge, classes, n_labels)

"""Candidates of a model selection, the estimators that they fit, and ridge regression.

Ridge on +-1 targets is one estimator for one label and for several: deterministic, and with
scores of one scale whatever the features, so that they are compared and calibrated.

scikit-learn is imported where ridge is fitted: what predicts has 30 MB less without it.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, Self

import numpy as np

from mlapi.pipelines.parts import Parts

# The score of a label that was not learned: below every score of ridge.
UNSEEN = -10.0


class Estimator(Protocol):
    """A fitted candidate. Read only once made, so any thread may use it.

    `needs`: the packages without which it is not read from an artifact.
    """

    needs: ClassVar[tuple[str, ...]]

    @property
    def nbytes(self) -> int:
        """What it takes in memory, about."""

    def scores(self, inputs: Sequence[Any]) -> np.ndarray:
        """(n, labels): the higher, the more of that label; UNSEEN where it was not learned."""

    def to_parts(self) -> dict[str, Any]:
        """What the artifact has of it; `kind` tells which estimator it is."""


class Candidate(ABC):
    """A way to fit an estimator. The same examples give the same estimator."""

    name: str

    @abstractmethod
    def fit(
        self, inputs: Sequence[Any], labels: np.ndarray, n_labels: int, shape: str
    ) -> Estimator:
        """Fit on n examples.

        `labels` is (n,) of label numbers for `single`, (n, n_labels) of 0 and 1 for `multiple`.
        Raises ValueError for data that it cannot be fitted on.
        """

    def takes_too_long(self, inputs: Sequence[Any], n_labels: int) -> bool:
        """Whether one fit would take too long, by the work that it is, not by a clock."""
        return False


_LEAST = UNSEEN + 1


class Features(Protocol):
    """Turns inputs into a matrix, dense or sparse. `kind` is its name in artifacts, for good."""

    kind: ClassVar[str]

    @property
    def size(self) -> int:
        """How many columns the matrix has."""

    @property
    def nbytes(self) -> int:
        """What it takes in memory once it is fitted, about."""

    def fit_transform(self, inputs: Sequence[Any]) -> Any:
        """(n, features), after learning from these inputs."""

    def transform(self, inputs: Sequence[Any]) -> Any:
        """(n, features)."""

    def to_parts(self) -> dict[str, Any]:
        """What an artifact has of it, without its kind."""

    @classmethod
    def from_parts(cls, parts: Parts) -> Self:
        """What `to_parts` wrote. Raises ArtifactInvalid."""


@dataclass
class LinearWeights:
    """What a fitted RidgeClassifier decides by, with its names and shapes."""

    coef_: np.ndarray
    intercept_: np.ndarray


@dataclass
class RidgeEstimator:
    """Fitted ridge. `classes` are the columns that it knows, of the target's labels."""

    kind: ClassVar[str] = "ridge"
    needs: ClassVar[tuple[str, ...]] = ("scikit-learn",)

    features: Features | None
    ridge: LinearWeights | None
    classes: np.ndarray
    n_labels: int

    def scores(self, inputs: Sequence[Any]) -> np.ndarray:
        """(n, n_labels): the higher, the more of that label; UNSEEN where it was not learned."""
        scores = np.full((len(inputs), self.n_labels), UNSEEN)
        if self.ridge is None or self.features is None:
            scores[:, self.classes] = 1.0
            return scores
        # As scikit-learn's `decision_function`, whose checks take longer than the product for a
        # short text.
        decided = self.features.transform(inputs) @ self.ridge.coef_.T + self.ridge.intercept_
        if not np.isfinite(decided).all():
            raise ValueError("The features are not finite.")
        if decided.size == len(decided):  # two classes have one score, of the second
            decided = decided.reshape(-1, 1)
            decided = decided if len(self.classes) == 1 else np.hstack([-decided, decided])
        scores[:, self.classes] = np.maximum(decided, _LEAST)
        return scores

    @property
    def nbytes(self) -> int:
        if self.ridge is None or self.features is None:
            return 0
        return int(self.ridge.coef_.nbytes) + self.features.nbytes

    def to_parts(self) -> dict[str, Any]:
        parts = {"kind": self.kind, "n_labels": self.n_labels, "classes": self.classes}
        if self.ridge is None or self.features is None:
            return {**parts, "features": None, "ridge": None}
        return {
            **parts,
            "features": {"kind": self.features.kind, **self.features.to_parts()},
            "ridge": {"coef": self.ridge.coef_, "intercept": self.ridge.intercept_},
        }

    @classmethod
    def from_parts(cls, parts: Parts, known: Mapping[str, type[Features]]) -> "RidgeEstimator":
        """`known` are the features of the pipeline by their kinds."""
        n_labels = parts.count("n_labels")
        classes = parts.places("classes", n_labels)
        described, weights = parts.optional("features"), parts.optional("ridge")
        if described is None or weights is None:
            return cls(None, None, classes, n_labels)
        features = described.one_of("kind", known).from_parts(described)
        intercept = weights.array("intercept", None)
        rows = len(intercept)
        # One score for one label, or for two of which one is chosen: then scikit-learn's
        # coefficients have one dimension.
        if rows != len(classes) and (rows, len(classes)) != (1, 2):
            raise weights.wrong("there are not as many scores as labels.")
        flat = rows == 1 and weights.dimensions("coef") == 1
        shape = (features.size,) if flat else (rows, features.size)
        coef = np.asfortranarray(weights.array("coef", *shape))
        return cls(features, LinearWeights(coef, intercept), classes, n_labels)


def fit_ridge(
    features: Features,
    inputs: Sequence[Any],
    labels: np.ndarray,
    n_labels: int,
    shape: str,
    alpha: float = 1.0,
) -> RidgeEstimator:
    """Fit the features, and ridge over them; `labels` as in `Candidate.fit`."""
    from sklearn.linear_model import RidgeClassifier

    if shape == "single":
        classes = np.unique(labels)
        constant = len(classes) == 1
    else:
        classes = np.flatnonzero(labels.any(axis=0))
        constant = len(classes) == 0
    if constant:
        return RidgeEstimator(None, None, classes, n_labels)
    matrix = features.fit_transform(inputs)
    target = labels if shape == "single" else labels[:, classes]
    if shape == "multiple" and len(classes) == 1:
        if target.all():  # ridge takes no single class
            return RidgeEstimator(None, None, classes, n_labels)
        target = target[:, 0]
    ridge = RidgeClassifier(alpha=alpha).fit(matrix, target)
    # A term's coefficients side by side, as SciPy multiplies them: else it copies all of them
    # for each prediction, 20 ms for 50 labels of 270,000 terms.
    weights = LinearWeights(np.asfortranarray(ridge.coef_), np.asarray(ridge.intercept_))
    return RidgeEstimator(features, weights, classes, n_labels)

"""The recipes for feature vectors: ridge on the features, and ridge on a kernel of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from sklearn.kernel_approximation import Nystroem

from mlapi.domain import Kind
from mlapi.pipelines.classification import ridge
from mlapi.pipelines.classification.recipes import Recipe
from mlapi.pipelines.classification.ridge import RidgeEstimator
from mlapi.pipelines.parts import Parts

# Up to so many examples the kernel is exact; with more it is approximated on so many of them
# (Williams and Seeger, Using the Nystroem Method to Speed Up Kernel Machines, 2001).
LANDMARKS = 1_000
_PAIRS = 500  # whose distances tell the scale of the kernel
_SEED = 0


class Vectors:
    """The features as a matrix, each dimension at its mean."""

    kind: ClassVar[str] = "centred"

    def fit_transform(self, inputs: Sequence[np.ndarray]) -> np.ndarray:
        matrix = np.stack(inputs)
        self.mean_ = matrix.mean(axis=0)
        return matrix - self.mean_

    def transform(self, inputs: Sequence[np.ndarray]) -> np.ndarray:
        return np.stack(inputs) - self.mean_

    @property
    def nbytes(self) -> int:
        return int(self.mean_.nbytes)

    @property
    def size(self) -> int:
        return len(self.mean_)

    def to_parts(self) -> dict[str, Any]:
        return {"mean": self.mean_}

    @classmethod
    def from_parts(cls, parts: Parts) -> "Vectors":
        vectors = cls()
        vectors.mean_ = parts.array("mean", None)
        return vectors


class Kernel:
    """The features by their likeness to those of training examples: a Gaussian kernel."""

    kind: ClassVar[str] = "gaussian_kernel"

    def fit_transform(self, inputs: Sequence[np.ndarray]) -> np.ndarray:
        matrix = np.stack(inputs)
        self.nystroem_ = Nystroem(
            gamma=1 / _spread(matrix),
            n_components=min(LANDMARKS, len(matrix)),
            random_state=_SEED,
        )
        return self.nystroem_.fit_transform(matrix)

    def transform(self, inputs: Sequence[np.ndarray]) -> np.ndarray:
        return self.nystroem_.transform(np.stack(inputs))

    @property
    def nbytes(self) -> int:
        return int(self.nystroem_.components_.nbytes + self.nystroem_.normalization_.nbytes)

    @property
    def size(self) -> int:
        return len(self.nystroem_.normalization_)

    def to_parts(self) -> dict[str, Any]:
        fitted = self.nystroem_
        return {
            "gamma": float(fitted.gamma),
            "components": fitted.components_,
            "normalization": fitted.normalization_,
        }

    @classmethod
    def from_parts(cls, parts: Parts) -> "Kernel":
        components = parts.array("components", None, None)
        n = len(components)
        fitted = Nystroem(gamma=parts.number("gamma"), n_components=n)
        fitted.components_, fitted.n_features_in_ = components, components.shape[1]
        fitted.normalization_ = parts.array("normalization", n, n)
        kernel = cls()
        kernel.nystroem_ = fitted
        return kernel


def _spread(matrix: np.ndarray) -> float:
    """The median squared distance of two examples: the usual width of a Gaussian kernel."""
    rng = np.random.default_rng(_SEED)
    one, other = rng.integers(len(matrix), size=(2, _PAIRS))
    squared = ((matrix[one] - matrix[other]) ** 2).sum(axis=1)
    apart = squared[squared > 0]
    return float(np.median(apart)) if len(apart) else 1.0


@dataclass(frozen=True)
class LinearRecipe(Recipe):
    """Ridge on the features. `alpha` is small because they have unit length."""

    name: str = "image features, linear"
    alpha: float = 0.1

    def fit(
        self, inputs: Sequence[np.ndarray], labels: np.ndarray, n_labels: int, kind: Kind
    ) -> RidgeEstimator:
        return ridge.fit(Vectors(), inputs, labels, n_labels, kind, self.alpha)


@dataclass(frozen=True)
class KernelRecipe(Recipe):
    """Ridge on a Gaussian kernel: a least squares support vector machine (Suykens 1999)."""

    name: str = "image features, kernel"
    alpha: float = 0.1

    def fit(
        self, inputs: Sequence[np.ndarray], labels: np.ndarray, n_labels: int, kind: Kind
    ) -> RidgeEstimator:
        return ridge.fit(Kernel(), inputs, labels, n_labels, kind, self.alpha)


LINEAR = LinearRecipe()
KERNEL = KernelRecipe()

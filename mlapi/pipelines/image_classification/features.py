"""Features of images as matrices: centred, by a kernel, and as principal components."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from sklearn.decomposition import PCA
from sklearn.kernel_approximation import Nystroem

from mlapi.pipelines.classification.boosted import SIZE, NumericColumns, filled
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


@dataclass
class VectorColumns(NumericColumns):
    """The principal components of the features."""

    pca: PCA

    kind: ClassVar[str] = "pca"

    def columns(self, inputs: Sequence[np.ndarray]) -> np.ndarray:
        return filled(self.pca.transform(np.stack(inputs)))

    @property
    def nbytes(self) -> int:
        return int(self.pca.components_.nbytes)

    def to_parts(self) -> dict[str, Any]:
        return {"components": self.pca.components_, "mean": self.pca.mean_}

    @classmethod
    def from_parts(cls, parts: Parts) -> "VectorColumns":
        components = parts.array("components", None, None)
        if not 1 <= len(components) <= SIZE:
            raise parts.wrong(f"it has from 1 to {SIZE} components.")
        pca = PCA(len(components))
        pca.components_, pca.n_features_in_ = components, components.shape[1]
        pca.mean_ = parts.array("mean", components.shape[1])
        return cls(pca)


def fit_columns(vectors: Sequence[np.ndarray], seed: int) -> VectorColumns:
    """Fit on the vectors that the estimator will be fitted on."""
    matrix = np.stack(vectors)
    return VectorColumns(PCA(min(SIZE, *matrix.shape), random_state=seed).fit(matrix))

"""Feature vectors as a few numeric columns, for EvaDB's AutoML."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from sklearn.decomposition import PCA

from mlapi.pipelines.classification.numeric_columns import SIZE, NumericColumns, filled
from mlapi.pipelines.parts import Parts


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

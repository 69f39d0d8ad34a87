"""Feature vectors as a few numeric columns, for EvaDB's AutoML."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.decomposition import PCA

from mlapi.pipelines.classification.numeric_columns import SIZE, NumericColumns, filled


@dataclass
class VectorColumns(NumericColumns):
    """The principal components of the features."""

    pca: PCA

    def columns(self, inputs: Sequence[np.ndarray]) -> np.ndarray:
        return filled(self.pca.transform(np.stack(inputs)))

    @property
    def nbytes(self) -> int:
        return int(self.pca.components_.nbytes)


def fit_columns(vectors: Sequence[np.ndarray], seed: int) -> VectorColumns:
    """Fit on the vectors that the estimator will be fitted on."""
    matrix = np.stack(vectors)
    return VectorColumns(PCA(min(SIZE, *matrix.shape), random_state=seed).fit(matrix))

"""Text as a few numeric columns, for EvaDB's AutoML."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.decomposition import TruncatedSVD

from mlapi.pipelines.classification.numeric_columns import SIZE, NumericColumns, filled
from mlapi.pipelines.text_classification.linear import TextVectors


@dataclass
class TextColumns(NumericColumns):
    """TF-IDF of words and characters, reduced by SVD (Deerwester et al. 1990)."""

    tfidf: TextVectors
    svd: TruncatedSVD

    def columns(self, inputs: Sequence[str]) -> np.ndarray:
        return filled(self.svd.transform(self.tfidf.transform(inputs)))

    @property
    def nbytes(self) -> int:
        return int(self.svd.components_.nbytes) + self.tfidf.nbytes


def fit_columns(texts: Sequence[str], seed: int) -> TextColumns:
    """Fit on the texts that the estimator will be fitted on, never on those it is scored on."""
    tfidf = TextVectors(characters=True)
    matrix = tfidf.fit_transform(texts)
    size = max(1, min(SIZE, matrix.shape[1] - 1, matrix.shape[0] - 1))
    return TextColumns(tfidf, TruncatedSVD(size, random_state=seed).fit(matrix))

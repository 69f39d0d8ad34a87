"""Text as a few numeric columns, for EvaDB's AutoML."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from sklearn.decomposition import TruncatedSVD

from mlapi.pipelines.classification.numeric_columns import SIZE, NumericColumns, filled
from mlapi.pipelines.parts import Parts
from mlapi.pipelines.text_classification.linear import TextVectors


@dataclass
class TextColumns(NumericColumns):
    """TF-IDF of words and characters, reduced by SVD (Deerwester et al. 1990)."""

    tfidf: TextVectors
    svd: TruncatedSVD

    kind: ClassVar[str] = "tfidf_svd"

    def columns(self, inputs: Sequence[str]) -> np.ndarray:
        return filled(self.svd.transform(self.tfidf.transform(inputs)))

    @property
    def nbytes(self) -> int:
        return int(self.svd.components_.nbytes) + self.tfidf.nbytes

    def to_parts(self) -> dict[str, Any]:
        return {**self.tfidf.to_parts(), "components": self.svd.components_}

    @classmethod
    def from_parts(cls, parts: Parts) -> "TextColumns":
        tfidf = TextVectors.from_parts(parts)
        components = parts.array("components", None, tfidf.size)
        if not 1 <= len(components) <= SIZE:
            raise parts.wrong(f"it has from 1 to {SIZE} components.")
        svd = TruncatedSVD(len(components))
        svd.components_, svd.n_features_in_ = components, tfidf.size
        return cls(tfidf, svd)


def fit_columns(texts: Sequence[str], seed: int) -> TextColumns:
    """Fit on the texts that the estimator will be fitted on, never on those it is scored on."""
    tfidf = TextVectors(characters=True)
    matrix = tfidf.fit_transform(texts)
    size = max(1, min(SIZE, matrix.shape[1] - 1, matrix.shape[0] - 1))
    return TextColumns(tfidf, TruncatedSVD(size, random_state=seed).fit(matrix))

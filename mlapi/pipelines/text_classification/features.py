"""Text as a few numeric columns, for EvaDB's AutoML, which takes no text and no vectors."""

import os
import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from sklearn.decomposition import TruncatedSVD

from mlapi.pipelines.text_classification.linear import WORD_CHAR, TextVectors

SIZE = 64  # latent semantic dimensions, as many as the EvaDB function has outputs


@dataclass
class TextFeatures:
    """TF-IDF of words and characters, reduced by SVD (Deerwester et al. 1990)."""

    tfidf: TextVectors
    svd: TruncatedSVD

    def columns(self, texts: Sequence[str]) -> np.ndarray:
        """(n, SIZE) float32; the last columns are 0 where there are fewer dimensions."""
        reduced = self.svd.transform(self.tfidf.transform(texts))
        found = np.zeros((len(texts), SIZE), dtype=np.float32)
        found[:, : reduced.shape[1]] = reduced
        return found

    @property
    def nbytes(self) -> int:
        terms = self.svd.components_.shape[1]
        return int(self.svd.components_.nbytes + 150 * terms)

    def save(self, path: Path) -> None:
        path.write_bytes(pickle.dumps(self, protocol=5))


def fit_features(texts: Sequence[str], seed: int) -> TextFeatures:
    """Fit on the texts that the estimator will be fitted on, never on those it is scored on."""
    tfidf = TextVectors(WORD_CHAR)
    matrix = tfidf.fit_transform(texts)
    size = max(1, min(SIZE, matrix.shape[1] - 1, matrix.shape[0] - 1))
    return TextFeatures(tfidf, TruncatedSVD(size, random_state=seed).fit(matrix))


@lru_cache(maxsize=4)
def _kept(path: str, mtime_ns: int) -> TextFeatures:
    return pickle.loads(Path(path).read_bytes())  # noqa: S301 - of this very run


def load_features(path: str) -> TextFeatures:
    """What `save` wrote, once per file: EvaDB makes its function anew at every bind."""
    return _kept(path, os.stat(path).st_mtime_ns)

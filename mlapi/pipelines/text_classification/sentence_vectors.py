"""Features of texts by a sentence encoder, alone or beside TF-IDF, and their candidates."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from scipy.sparse import csr_matrix, hstack

from mlapi.pipelines.classification.candidates import Candidate, RidgeEstimator, fit_ridge
from mlapi.pipelines.parts import Parts
from mlapi.pipelines.text_classification.features import (
    TextVectors,
    characters_take_too_long,
    text_vectors,
)
from mlapi.texts.encoders.loading import require
from mlapi.texts.refs import EncoderRef
from mlapi.texts.vectors import vectors_of

# Beside TF-IDF of words and of characters, each of length 1.
WEIGHT = 2.0


class SentenceVectors:
    """A transformer from texts to a sentence encoder's vectors, times a weight."""

    kind: ClassVar[str] = "sentence_vectors"

    def __init__(self, encoder: EncoderRef, weight: float = 1.0, size: int = 0) -> None:
        self.encoder = encoder
        self.weight = weight
        self.size = size

    def fit_transform(self, texts: Sequence[str]) -> np.ndarray:
        found = self.transform(texts)
        self.size = found.shape[1]
        return found

    def transform(self, texts: Sequence[str]) -> np.ndarray:
        """(n, size). Loads the encoder for a text without a vector; raises as `encoder_for`."""
        return vectors_of(self.encoder, texts) * np.float32(self.weight)

    @property
    def nbytes(self) -> int:
        return 0  # the encoder is the process's, whatever versions use it

    def to_parts(self) -> dict[str, Any]:
        return {
            "encoder": self.encoder.encoder,
            "encoder_name": self.encoder.encoder_name,
            "weight": self.weight,
            "size": self.size,
        }

    @classmethod
    def from_parts(cls, parts: Parts) -> "SentenceVectors":
        """Raises TrainingFailed where the encoder is unavailable here, or is another one today."""
        encoder = EncoderRef(parts.text("encoder"), parts.text("encoder_name"))
        size = parts.count("size")
        require(encoder)
        return cls(encoder, parts.number("weight"), size)


class TextAndSentenceVectors:
    """TF-IDF of words and characters, and a sentence encoder's vectors, side by side."""

    kind: ClassVar[str] = "tfidf_and_sentence_vectors"

    def __init__(self, terms: TextVectors, sentences: SentenceVectors) -> None:
        self.terms = terms
        self.sentences = sentences

    def fit_transform(self, texts: Sequence[str]) -> csr_matrix:
        return _beside(self.terms.fit_transform(texts), self.sentences.fit_transform(texts))

    def transform(self, texts: Sequence[str]) -> csr_matrix:
        return _beside(self.terms.transform(texts), self.sentences.transform(texts))

    @property
    def encoder(self) -> EncoderRef:
        return self.sentences.encoder

    @property
    def nbytes(self) -> int:
        return self.terms.nbytes

    @property
    def size(self) -> int:
        return self.terms.size + self.sentences.size

    def to_parts(self) -> dict[str, Any]:
        return {**self.terms.to_parts(), "sentences": self.sentences.to_parts()}

    @classmethod
    def from_parts(cls, parts: Parts) -> "TextAndSentenceVectors":
        sentences = SentenceVectors.from_parts(parts.part("sentences"))
        return cls(TextVectors.from_parts(parts), sentences)


def _beside(terms: csr_matrix, sentences: np.ndarray) -> csr_matrix:
    return hstack([terms, csr_matrix(sentences)], format="csr", dtype=np.float32)


@dataclass(frozen=True)
class SentenceCandidate(Candidate):
    """Ridge on a sentence encoder's vectors."""

    encoder: EncoderRef
    name: str = "sentence encoder, linear"
    alpha: float = 0.5

    def fit(
        self, inputs: Sequence[str], labels: np.ndarray, n_labels: int, shape: str
    ) -> RidgeEstimator:
        features = SentenceVectors(self.encoder)
        return fit_ridge(features, inputs, labels, n_labels, shape, self.alpha)


@dataclass(frozen=True)
class TextAndSentenceCandidate(Candidate):
    """Ridge on TF-IDF and a sentence encoder's vectors."""

    encoder: EncoderRef
    name: str = "TF-IDF and sentence encoder, linear"

    def fit(
        self, inputs: Sequence[str], labels: np.ndarray, n_labels: int, shape: str
    ) -> RidgeEstimator:
        terms, sentences = text_vectors(inputs), SentenceVectors(self.encoder, WEIGHT)
        features = TextAndSentenceVectors(terms, sentences)
        return fit_ridge(features, inputs, labels, n_labels, shape)

    def takes_too_long(self, inputs: Sequence[str], n_labels: int) -> bool:
        return characters_take_too_long(inputs, n_labels)

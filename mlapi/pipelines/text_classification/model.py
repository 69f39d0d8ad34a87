"""Features of texts, the candidates and numeric columns made of them, and the modality.

The candidates are TF-IDF of words, or of words and characters, with ridge regression. Ridge on
+-1 targets was chosen side by side with LinearSVC, logistic regression and complement naive Bayes
in 5-fold cross-validation on 1,200 and 2,400 short texts of six classes: within noise of the best
of them (0.79 and 0.84 on average; a split of 240 varies by 0.03), deterministic, and one estimator
for one label and for several."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.decomposition import TruncatedSVD

from mlapi.domain import TargetSpec
from mlapi.inputs import TextInput
from mlapi.pipelines.artifact import Texts
from mlapi.pipelines.classification.boosted import SIZE, NumericColumns, filled
from mlapi.pipelines.classification.candidates import Candidate, RidgeEstimator, fit_ridge
from mlapi.pipelines.classification.dataset import Modality
from mlapi.pipelines.parts import Parts
from mlapi.pipelines.text_classification.terms import (
    BYTES_KEPT,
    Analyzer,
    TermVectors,
    Vocabulary,
    character_ngrams,
    learn,
    tokens,
)

_BYTES_OF_A_TERM = 150  # of a vocabulary, about
# Of a long text its words tell enough, and its characters would take ten times their time.
_CHARACTERS = 1_000
# A fit takes about 0.3 us for each character that is read, times the labels and ten more: a
# minute or two at most. The bound is no clock, so that the same data give the same version.
_MOST_WORK = 400_000_000


def characters_take_too_long(texts: Sequence[str], n_labels: int) -> bool:
    """Whether a fit on the characters would take more than some two minutes of one core."""
    return sum(min(len(text), _CHARACTERS) for text in texts) * (10 + n_labels) > _MOST_WORK


# What they do with a text belongs to the artifacts of the kind `tfidf`: what reads it in
# another way is another kind.
_ANALYZERS = (Analyzer(tokens), Analyzer(character_ngrams, characters=_CHARACTERS))


class TextVectors:
    """A transformer from texts to float32 features: words, or words and characters."""

    kind: ClassVar[str] = "tfidf"

    def __init__(self, *, characters: bool) -> None:
        self._analyzers = _ANALYZERS if characters else _ANALYZERS[:1]

    def fit_transform(self, texts: Sequence[str]) -> csr_matrix:
        self.terms = TermVectors([learn(analyzer, texts) for analyzer in self._analyzers])
        return self.transform(texts)

    def transform(self, texts: Sequence[str]) -> csr_matrix:
        return self.terms.transform(texts)

    @property
    def nbytes(self) -> int:
        return _BYTES_OF_A_TERM * self.size + BYTES_KEPT * len(self._analyzers)

    @property
    def size(self) -> int:
        return self.terms.size

    def to_parts(self) -> dict[str, Any]:
        """The terms of the words, then of the characters; how a text is cut is the kind's."""
        vocabularies = self.terms.vocabularies
        return {"terms": [{"terms": Texts(list(v.terms)), "idf": v.idf} for v in vocabularies]}

    @classmethod
    def from_parts(cls, parts: Parts) -> "TextVectors":
        described = list(parts.parts("terms"))
        if not 1 <= len(described) <= len(_ANALYZERS):
            raise parts.wrong("its terms are of words, or of words and characters.")
        vectors = cls(characters=len(described) == len(_ANALYZERS))
        vectors.terms = TermVectors(list(map(_vocabulary, vectors._analyzers, described)))
        return vectors


def _vocabulary(analyzer: Analyzer, parts: Parts) -> Vocabulary:
    terms = parts.texts("terms")
    if not terms or len(set(terms)) < len(terms):
        raise parts.wrong("there are no terms, or one is there twice.")
    return Vocabulary(analyzer, terms, parts.array("idf", len(terms)))


@dataclass(frozen=True)
class LinearCandidate(Candidate):
    """Ridge over TF-IDF."""

    name: str
    characters: bool

    def fit(
        self, inputs: Sequence[str], labels: np.ndarray, n_labels: int, shape: str
    ) -> RidgeEstimator:
        return fit_ridge(TextVectors(characters=self.characters), inputs, labels, n_labels, shape)

    def takes_too_long(self, inputs: Sequence[str], n_labels: int) -> bool:
        return self.characters and characters_take_too_long(inputs, n_labels)


WORD = LinearCandidate("word TF-IDF, linear", characters=False)
WORD_CHAR = LinearCandidate("word and character TF-IDF, linear", characters=True)


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


class TextModality(Modality):
    """Each text as it is read; equal ones differ in case and white space at most."""

    pipeline = "text_classification"
    input = TextInput()
    noun = "text"
    column = "text"
    column_type = "text"
    candidates = (WORD, WORD_CHAR)

    def source(self, target: TargetSpec) -> Hashable:
        return target.sources, target.control_tag == "Pairwise"

    def fit_columns(self, inputs: Sequence[str], seed: int) -> TextColumns:
        return fit_columns(inputs, seed)

    def columns_take_too_long(self, inputs: Sequence[str]) -> bool:
        return characters_take_too_long(inputs, 0)

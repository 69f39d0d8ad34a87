"""Features of texts: TF-IDF of each analyzer's terms, and numeric columns made of them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from scipy.sparse import csr_matrix

from mlapi.pipelines.artifact import Texts
from mlapi.pipelines.classification.boosted import SIZE, NumericColumns, filled
from mlapi.pipelines.parts import Parts
from mlapi.pipelines.text_classification.scripts import share_without_spaces, word_or_sign
from mlapi.pipelines.text_classification.shared_terms import MOST_TEXTS, SharedTerms
from mlapi.pipelines.text_classification.terms import (
    BYTES_CACHED,
    Analyzer,
    TermVectors,
    Vocabulary,
    learn,
    ngrams,
    same_letters,
    tokens,
)

_BYTES_OF_A_TERM = 150  # of a vocabulary, about
# Of a long text its words tell enough, and its characters would take ten times their time.
_CHARACTERS = 1_000
# The time of a fit grows with the characters that are read, times the labels and ten more. The
# bound is no clock, so that the same data give the same version.
_MOST_WORK = 400_000_000


def characters_take_too_long(texts: Sequence[str], n_labels: int) -> bool:
    """Whether a fit on the characters would take too long, by the work that it is."""
    return sum(min(len(text), _CHARACTERS) for text in texts) * (10 + n_labels) > _MOST_WORK


WORDS, CHARACTERS_2_5, CHARACTERS_1_3 = "words", "characters 2-5", "characters 1-3"
# Of artifacts that name none, in the order of their terms.
_UNNAMED = ("words without marks", "characters 3-5")
# What an analyzer does with a text belongs to the artifacts that name it: what reads it in
# another way has another name.
_ANALYZERS = {
    WORDS: Analyzer(same_letters, tokens(word_or_sign())),
    CHARACTERS_2_5: Analyzer(same_letters, ngrams(2, 5), _CHARACTERS),
    CHARACTERS_1_3: Analyzer(same_letters, ngrams(1, 3), _CHARACTERS),
    _UNNAMED[0]: Analyzer(str.lower, tokens(re.compile(r"\w+|[^\w\s]"))),
    _UNNAMED[1]: Analyzer(str.lower, ngrams(3, 5), _CHARACTERS),
}
# For texts whose scripts put spaces between words, and for others.
WORDS_AND_CHARACTERS, SHORT_CHARACTERS = (WORDS, CHARACTERS_2_5), (CHARACTERS_1_3,)
# The share of letters of scripts without spaces, from which on texts are read as those.
MOST_WITHOUT_SPACES = 0.5


class TextVectors:
    """A transformer from texts to float32 features: TF-IDF of each analyzer's terms."""

    kind: ClassVar[str] = "tfidf"

    _shared: SharedTerms | None = None  # with other candidates, where the texts are few

    def __init__(self, *analyzers: str) -> None:
        self.analyzers = analyzers

    def fit_transform(self, texts: Sequence[str]) -> csr_matrix:
        analyzers = [_ANALYZERS[name] for name in self.analyzers]
        if len(texts) <= MOST_TEXTS:
            self._shared = SharedTerms(analyzers, texts)
            self.terms = TermVectors(self._shared.vocabularies)
        else:
            self.terms = TermVectors([learn(analyzer, texts) for analyzer in analyzers])
        return self.transform(texts)

    def transform(self, texts: Sequence[str]) -> csr_matrix:
        if self._shared is not None and len(texts) <= MOST_TEXTS:
            return self._shared.transform(texts)
        return self.terms.transform(texts)

    @property
    def nbytes(self) -> int:
        return _BYTES_OF_A_TERM * self.size + BYTES_CACHED * len(self.analyzers)

    @property
    def size(self) -> int:
        return self.terms.size

    def to_parts(self) -> dict[str, Any]:
        """The terms of each analyzer, with its name unless it belongs to those that have none."""
        names = zip(self.analyzers, _UNNAMED, strict=False)
        known = [{} if name == unnamed else {"analyzer": name} for name, unnamed in names]
        described = zip(known, self.terms.vocabularies, strict=True)
        return {
            "terms": [
                {**name, "terms": Texts(list(v.terms)), "idf": v.idf} for name, v in described
            ]
        }

    @classmethod
    def from_parts(cls, parts: Parts) -> "TextVectors":
        described = list(parts.parts("terms"))
        if not 1 <= len(described) <= len(_UNNAMED):
            raise parts.wrong("its terms are of one analyzer or of two.")
        vectors = cls(*map(_analyzer, described, _UNNAMED))
        analyzers = [_ANALYZERS[name] for name in vectors.analyzers]
        vectors.terms = TermVectors(list(map(_vocabulary, analyzers, described)))
        return vectors


def _analyzer(parts: Parts, unnamed: str) -> str:
    """The name of the terms' analyzer, which is `unnamed` where they have none."""
    if not parts.has("analyzer"):
        return unnamed
    return parts.one_of("analyzer", {name: name for name in _ANALYZERS})


def _vocabulary(analyzer: Analyzer, parts: Parts) -> Vocabulary:
    terms = parts.texts("terms")
    if not terms or len(set(terms)) < len(terms):
        raise parts.wrong("there are no terms, or one is there twice.")
    return Vocabulary(analyzer, terms, parts.array("idf", len(terms)))


def text_vectors(texts: Sequence[str]) -> TextVectors:
    """Not yet fitted, of the terms that tell most of such texts: words and characters, or short
    characters in scripts without spaces.
    """
    without_spaces = share_without_spaces(texts) >= MOST_WITHOUT_SPACES
    return TextVectors(*(SHORT_CHARACTERS if without_spaces else WORDS_AND_CHARACTERS))


@dataclass
class TextColumns(NumericColumns):
    """TF-IDF of words and characters, reduced by SVD (Deerwester et al. 1990).

    `components` are (columns, terms).
    """

    tfidf: TextVectors
    components: np.ndarray

    kind: ClassVar[str] = "tfidf_svd"

    def columns(self, inputs: Sequence[str]) -> np.ndarray:
        return filled(self.tfidf.transform(inputs) @ self.components.T)

    @property
    def nbytes(self) -> int:
        return int(self.components.nbytes) + self.tfidf.nbytes

    def to_parts(self) -> dict[str, Any]:
        return {**self.tfidf.to_parts(), "components": self.components}

    @classmethod
    def from_parts(cls, parts: Parts) -> "TextColumns":
        tfidf = TextVectors.from_parts(parts)
        components = parts.array("components", None, tfidf.size)
        if not 1 <= len(components) <= SIZE:
            raise parts.wrong(f"it has from 1 to {SIZE} components.")
        return cls(tfidf, components)


def fit_columns(texts: Sequence[str], seed: int) -> TextColumns:
    """Fit on the texts that the estimator will be fitted on, never on those it is scored on."""
    from sklearn.decomposition import TruncatedSVD  # not at the top: who predicts needs none of it

    tfidf = text_vectors(texts)
    matrix = tfidf.fit_transform(texts)
    size = max(1, min(SIZE, matrix.shape[1] - 1, matrix.shape[0] - 1))
    return TextColumns(tfidf, TruncatedSVD(size, random_state=seed).fit(matrix).components_)

"""The terms that several candidates of one model selection learn of the same texts, learned once.

Words are read by three candidates, and so are characters; all compare the same folds.
"""

from collections.abc import Sequence
from functools import lru_cache

from scipy.sparse import csr_matrix, hstack

from mlapi.pipelines.text_classification.terms import Analyzer, TermVectors, Vocabulary, learn

MOST_TEXTS = 2_000  # whose terms are cached: more take memory, and are compared on one fold
_CACHED = 18  # three analyzers, where scripts are mixed, of five folds and of all texts


class SharedTerms:
    """The terms of each analyzer in the texts, in the memory of other candidates as well."""

    def __init__(self, analyzers: Sequence[Analyzer], texts: Sequence[str]) -> None:
        """Raises ValueError where the texts have no term."""
        self._learned = [_learned(analyzer, tuple(texts)) for analyzer in analyzers]

    @property
    def vocabularies(self) -> list[Vocabulary]:
        return [learned.vocabulary for learned in self._learned]

    def transform(self, texts: Sequence[str]) -> csr_matrix:
        """(n, size), as `TermVectors` of the vocabularies has it."""
        parts = [learned.transform(tuple(texts)) for learned in self._learned]
        return hstack(parts, format="csr") if len(parts) > 1 else parts[0].copy()


class _Learned:
    """The terms of one analyzer."""

    def __init__(self, analyzer: Analyzer, texts: tuple[str, ...]) -> None:
        self.vocabulary = learn(analyzer, texts)
        self._terms = TermVectors([self.vocabulary])
        # Of the texts that were learned from, and of those of the fold that was left out.
        self.transform = lru_cache(2)(self._transform)

    def _transform(self, texts: tuple[str, ...]) -> csr_matrix:
        return self._terms.transform(texts)


_learned = lru_cache(_CACHED)(_Learned)

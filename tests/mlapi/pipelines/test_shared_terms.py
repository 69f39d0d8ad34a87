"""The terms that the candidates of a model selection share."""

import numpy as np
import pytest

from mlapi.domain import TargetSpec
from mlapi.pipelines.classification.examples import TargetExamples
from mlapi.pipelines.classification.model_selection import select_model
from mlapi.pipelines.text_classification import shared_terms
from mlapi.pipelines.text_classification.features import TextVectors
from mlapi.pipelines.text_classification.model import (
    CHAR,
    SHORT_CHAR,
    WORD,
    WORD_CHAR,
    TextModality,
)

TEXTS = [
    f"{'good fine' if n % 2 else 'bad poor'} thing {n} of {n % 7}, naïve 数{n}" for n in range(40)
]
LABELS = np.arange(len(TEXTS)) % 2


@pytest.fixture(autouse=True)
def empty_cache():
    shared_terms._learned.cache_clear()


@pytest.mark.parametrize("candidate", [WORD, CHAR, WORD_CHAR, SHORT_CHAR], ids=lambda c: c.name)
def test_vectors_that_are_shared_are_those_of_the_terms_alone(candidate):
    vectors = TextVectors(*candidate.analyzers)
    learned = vectors.fit_transform(TEXTS[:30])

    for found, texts in ((learned, TEXTS[:30]), (vectors.transform(TEXTS[30:]), TEXTS[30:])):
        alone = vectors.terms.transform(texts)
        assert (found.indptr == alone.indptr).all() and (found.indices == alone.indices).all()
        assert (found.data == alone.data).all()


def test_what_a_candidate_does_with_its_vectors_changes_none_of_another():
    first = TextVectors(*WORD.analyzers).fit_transform(TEXTS)
    before = first.data.copy()
    first.data[:] = 0

    assert (TextVectors(*WORD.analyzers).fit_transform(TEXTS).data == before).all()


def test_a_selection_learns_the_terms_of_each_fold_once(monkeypatch):
    learned = []

    def counted(analyzer, texts, learn=shared_terms.learn):
        learned.append((analyzer, tuple(texts)))
        return learn(analyzer, texts)

    monkeypatch.setattr(shared_terms, "learn", counted)
    spec = TargetSpec("label", "text", "Text", "text", "choice", ("a", "b"))
    examples = TargetExamples(TextModality(), spec, TEXTS, LABELS, np.arange(len(TEXTS)) % 5)
    selection = select_model(examples, None, "", 0)

    assert len([c for c in selection.candidates if c.score is not None]) >= 3
    assert len(learned) == len(set(learned))


def test_the_terms_of_many_texts_are_not_cached(monkeypatch):
    monkeypatch.setattr("mlapi.pipelines.text_classification.features.MOST_TEXTS", 20)
    vectors = TextVectors(*WORD.analyzers)
    vectors.fit_transform(TEXTS)

    assert shared_terms._learned.cache_info().currsize == 0
    assert (vectors.transform(TEXTS[:5]) != vectors.terms.transform(TEXTS[:5])).nnz == 0

"""The terms of texts and their weights, beside scikit-learn's vectoriser."""

import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import hstack
from sklearn.feature_extraction.text import TfidfVectorizer

from mlapi.pipelines.text_classification import terms
from mlapi.pipelines.text_classification.model import TextVectors
from tests.mlapi.pipelines.texts import some_texts

READ = 1_000  # characters of a text whose character n-grams are read
# White space, joiners, marks, letters that change their length or depend on their place in lower
# case, digits of other scripts, and what lies beyond the basic plane.
ODD = (
    " \t\n\r\x0b\x0c\x1c\x1f\x85\xa0\u1680\u2003\u2028\u2029\u202f\u3000\u200b\u200d\ufeff\u0301"
    "İıΣσςẞßǅﬁﬀ½²٣१Ⅷ日本語한글ไทย😀👩‍👩‍👧𝔄_-'’.,!?\x00\x1b"
)
words = st.sampled_from(
    ["ΣΑΣ", "a", "ab", "abc", "İstanbul", "x" * 50, "no-one's", "!!", "_", "ﬁne"]
)
texts = st.one_of(
    st.text(st.sampled_from(ODD), max_size=40),
    st.text(max_size=40),
    st.lists(words, max_size=30).map(" ".join),
    st.builds(lambda text, n: text * n, st.text(max_size=9), st.integers(1, 400)),
)


def of_sklearn(characters: bool) -> list[TfidfVectorizer]:
    shared = {"sublinear_tf": True, "dtype": np.float32, "max_features": terms.MAX_TERMS}
    made = [TfidfVectorizer(token_pattern=r"(?u)\w+|[^\w\s]", **shared)]
    if characters:
        cut = {"analyzer": "char_wb", "ngram_range": (3, 5)}
        made.append(TfidfVectorizer(**cut, preprocessor=lambda text: text[:READ].lower(), **shared))
    return made


def assert_equal(ours, theirs) -> None:
    theirs = hstack(theirs, format="csr")
    theirs.sort_indices()
    assert ours.shape == theirs.shape
    assert ours.dtype == theirs.dtype == np.float32
    assert ours.indptr.tolist() == theirs.indptr.tolist()
    assert ours.indices.tolist() == theirs.indices.tolist()
    assert ours.data.tobytes() == theirs.data.tobytes()  # each float's last bit


@pytest.mark.parametrize("characters", [False, True])
@given(st.lists(texts, min_size=1, max_size=12), st.lists(texts, max_size=6))
@settings(max_examples=150, deadline=None)
def test_any_text_has_the_weights_that_scikit_learn_gives_it(characters, learned, others):
    learned = [*learned, "a word"]
    ours, theirs = TextVectors(characters=characters), of_sklearn(characters)

    assert_equal(ours.fit_transform(learned), [part.fit_transform(learned) for part in theirs])

    for some in ([*others, *learned, ""], [*others, *learned], [""], ["a"]):
        assert_equal(ours.transform(some), [part.transform(some) for part in theirs])
    described = [part["terms"].texts for part in ours.to_parts()["terms"]]
    assert described == [part.get_feature_names_out().tolist() for part in theirs]


def test_no_texts_are_an_empty_matrix():
    vectors = TextVectors(characters=True)
    vectors.fit_transform(["a word"])

    assert vectors.transform([]).shape == (0, vectors.size)


@pytest.mark.parametrize("cached", [1, 50])
def test_words_that_are_forgotten_and_come_again_have_the_same_weights(monkeypatch, cached):
    monkeypatch.setattr(terms, "_WORDS_KEPT", cached)
    learned, _ = some_texts(300)
    ours, theirs = TextVectors(characters=True), of_sklearn(True)

    assert_equal(ours.fit_transform(learned), [part.fit_transform(learned) for part in theirs])

    assert_equal(ours.transform(learned[::-1]), [p.transform(learned[::-1]) for p in theirs])
    assert 0 < len(ours.terms._together) <= cached


def test_more_texts_than_are_read_at_once_have_the_same_weights(monkeypatch):
    monkeypatch.setattr(terms, "_AT_ONCE", 7)
    learned, _ = some_texts(100)
    ours, theirs = TextVectors(characters=True), of_sklearn(True)

    assert_equal(ours.fit_transform(learned), [part.fit_transform(learned) for part in theirs])


def test_the_most_frequent_terms_are_kept_where_there_are_too_many(monkeypatch):
    monkeypatch.setattr(terms, "MAX_TERMS", 60)
    learned, _ = some_texts(200)
    ours, theirs = TextVectors(characters=True), of_sklearn(True)

    assert_equal(ours.fit_transform(learned), [part.fit_transform(learned) for part in theirs])

    assert ours.size == 2 * 60


@pytest.mark.parametrize("learned", [[], [""], [" \n"]])
def test_texts_without_a_term_are_refused(learned):
    with pytest.raises(ValueError, match="no term"):
        TextVectors(characters=False).fit_transform(learned)


def test_threads_share_the_words_that_were_read(monkeypatch):
    monkeypatch.setattr(terms, "_WORDS_KEPT", 20)
    learned, _ = some_texts(200)
    vectors = TextVectors(characters=True)
    expected = vectors.fit_transform(learned).toarray()
    failures = []

    def transform(seed: int) -> None:
        order = np.random.default_rng(seed).permutation(len(learned))
        for some in np.array_split(order, 40):
            found = vectors.transform([learned[i] for i in some]).toarray()
            if not np.array_equal(found, expected[some]):
                failures.append(seed)

    threads = [threading.Thread(target=transform, args=[i]) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []

"""The terms of texts and their weights, beside scikit-learn's vectoriser."""

import sys
import threading
import unicodedata
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import hstack
from sklearn.feature_extraction.text import TfidfVectorizer

from mlapi.pipelines.parts import ArtifactInvalid, Parts
from mlapi.pipelines.text_classification import features, terms
from mlapi.pipelines.text_classification import model as text_model
from mlapi.pipelines.text_classification.features import TextVectors
from mlapi.pipelines.text_classification.model import TextModality
from tests.mlapi.pipelines.texts import some_texts

CHARACTERS_READ = 1_000  # characters of a text whose character n-grams are read
# White space, joiners, marks, letters that change their length or depend on their place in lower
# case, digits of other scripts, and what lies beyond the basic plane.
ODD = (
    " \t\n\r\x0b\x0c\x1c\x1f\x85\xa0\u1680\u2003\u2028\u2029\u202f\u3000\u200b\u200d\ufeff\u0301"
    "İıΣσςẞßǅﬁﬀ½²٣१Ⅷ日本語ｶﾞＡ한글각กำไทยहिन्दी\u200cكِتاب\ufe8dשָׁ\U00011000\U000e0100😀👩‍👩‍👧𝔄_-'’.,!?\x00\x1b"
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


MARK = "".join(c for c in map(chr, range(sys.maxunicode)) if unicodedata.category(c)[0] == "M")
RECIPES = [candidate.analyzers for candidate in TextModality.candidates]
BOTH = text_model.WORD_CHAR.analyzers
UNNAMED = features._UNNAMED  # what artifacts of before have


@pytest.fixture(autouse=True, scope="module")
def as_served() -> Iterator[None]:
    """Vectors as a loaded version makes them; `test_shared_terms` has those of a selection."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(features, "MOST_TEXTS", 0)
        yield


def normal(text: str) -> str:
    return unicodedata.normalize("NFKC", text).lower()


def of_sklearn(analyzers: tuple[str, ...]) -> list[TfidfVectorizer]:
    shared = {"sublinear_tf": True, "dtype": np.float32, "max_features": terms.MAX_TERMS}
    word = rf"\w{MARK}\u200c\u200d"

    def cut(first: int, last: int, lower) -> TfidfVectorizer:
        sizes = {"analyzer": "char_wb", "ngram_range": (first, last)}
        return TfidfVectorizer(
            **sizes, preprocessor=lambda text: lower(text[:CHARACTERS_READ]), **shared
        )

    made = {
        "words": TfidfVectorizer(
            token_pattern=f"(?u)[{word}]+|[^{word}\\s]", preprocessor=normal, **shared
        ),
        "characters 2-5": cut(2, 5, normal),
        "characters 1-3": cut(1, 3, normal),
        "words without marks": TfidfVectorizer(token_pattern=r"(?u)\w+|[^\w\s]", **shared),
        "characters 3-5": cut(3, 5, str.lower),
    }
    return [made[name] for name in analyzers]


def assert_equal(found, expected) -> None:
    expected = hstack(expected, format="csr")
    expected.sort_indices()
    assert found.shape == expected.shape
    assert found.dtype == expected.dtype == np.float32
    assert found.indptr.tolist() == expected.indptr.tolist()
    assert found.indices.tolist() == expected.indices.tolist()
    assert found.data.tobytes() == expected.data.tobytes()  # each float's last bit


@pytest.mark.parametrize("analyzers", [*RECIPES, UNNAMED[:1], UNNAMED])
@given(st.lists(texts, min_size=1, max_size=12), st.lists(texts, max_size=6))
@settings(max_examples=60, deadline=None)
def test_any_text_has_the_weights_that_scikit_learn_gives_it(analyzers, learned, others):
    learned = [*learned, "a word"]
    vectors, vectorizers = TextVectors(*analyzers), of_sklearn(analyzers)

    assert_equal(
        vectors.fit_transform(learned), [part.fit_transform(learned) for part in vectorizers]
    )

    for some in ([*others, *learned, ""], [*others, *learned], [""], ["a"]):
        assert_equal(vectors.transform(some), [part.transform(some) for part in vectorizers])
    described = [part["terms"].texts for part in vectors.to_parts()["terms"]]
    assert described == [part.get_feature_names_out().tolist() for part in vectorizers]


@pytest.mark.parametrize("analyzers", [*RECIPES, UNNAMED[:1], UNNAMED])
def test_an_artifact_names_its_analyzers_and_one_that_names_none_is_of_before(analyzers):
    learned, _ = some_texts(50)
    vectors = TextVectors(*analyzers)
    expected = vectors.fit_transform([*learned, "हिन्दी ガッツ"])

    read = TextVectors.from_parts(Parts(packed(vectors)))
    assert read.analyzers == analyzers
    assert_equal(read.transform([*learned, "हिन्दी ガッツ"]), [expected])

    of_before = packed(vectors)
    for part in of_before["terms"]:
        part.pop("analyzer", None)
    assert TextVectors.from_parts(Parts(of_before)).analyzers == UNNAMED[: len(analyzers)]


def test_an_analyzer_that_is_not_known_is_refused():
    vectors = TextVectors(*BOTH)
    vectors.fit_transform(["a word"])
    parts = packed(vectors)
    parts["terms"][1]["analyzer"] = "syllables"

    with pytest.raises(ArtifactInvalid, match="analyzer"):
        TextVectors.from_parts(Parts(parts))


def packed(vectors: TextVectors) -> dict:
    parts = vectors.to_parts()
    return {"terms": [{**part, "terms": part["terms"].texts} for part in parts["terms"]]}


def test_no_texts_are_an_empty_matrix():
    vectors = TextVectors(*BOTH)
    vectors.fit_transform(["a word"])

    assert vectors.transform([]).shape == (0, vectors.size)


@pytest.mark.parametrize("cached", [1, 50])
def test_words_that_are_forgotten_and_come_again_have_the_same_weights(monkeypatch, cached):
    monkeypatch.setattr(terms, "_WORDS_CACHED", cached)
    learned, _ = some_texts(300)
    vectors, vectorizers = TextVectors(*BOTH), of_sklearn(BOTH)

    assert_equal(
        vectors.fit_transform(learned), [part.fit_transform(learned) for part in vectorizers]
    )

    assert_equal(
        vectors.transform(learned[::-1]), [p.transform(learned[::-1]) for p in vectorizers]
    )
    assert 0 < len(vectors.terms._together) <= cached


def test_more_texts_than_are_read_at_once_have_the_same_weights(monkeypatch):
    monkeypatch.setattr(terms, "_AT_ONCE", 7)
    learned, _ = some_texts(100)
    vectors, vectorizers = TextVectors(*BOTH), of_sklearn(BOTH)

    assert_equal(
        vectors.fit_transform(learned), [part.fit_transform(learned) for part in vectorizers]
    )


def test_a_vocabulary_has_its_most_frequent_terms_up_to_the_limit(monkeypatch):
    monkeypatch.setattr(terms, "MAX_TERMS", 60)
    learned, _ = some_texts(200)
    vectors, vectorizers = TextVectors(*BOTH), of_sklearn(BOTH)

    assert_equal(
        vectors.fit_transform(learned), [part.fit_transform(learned) for part in vectorizers]
    )

    assert vectors.size == 2 * 60


@pytest.mark.parametrize("learned", [[], [""], [" \n"]])
def test_texts_without_a_term_are_refused(learned):
    with pytest.raises(ValueError, match="no term"):
        TextVectors(*BOTH[:1]).fit_transform(learned)


def test_threads_share_the_words_that_were_read(monkeypatch):
    monkeypatch.setattr(terms, "_WORDS_CACHED", 20)
    learned, _ = some_texts(200)
    vectors = TextVectors(*BOTH)
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

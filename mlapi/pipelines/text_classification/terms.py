"""TF-IDF of words and of characters: scikit-learn's numbers, several times as fast.

A term never spans white space, so the terms of a word are those of every other place that it
stands in: they are found once, and a word that was read before costs one look-up. The weights are
those of scikit-learn's TfidfVectorizer with sublinear frequencies, bit for bit (Salton and Buckley,
Term-Weighting Approaches in Automatic Text Retrieval, 1988).
"""

import re
import unicodedata
from array import array
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from more_itertools import chunked
from scipy.sparse import csr_matrix, vstack

MAX_TERMS = 200_000  # of a vocabulary: the most frequent
_WORDS_CACHED = 16_384
_LONGEST_CACHED = 40  # characters; longer ones hardly come back
BYTES_CACHED = _WORDS_CACHED * 300  # of memory, about
_AT_ONCE = 512  # texts, which bounds the memory that a long list takes beside its matrix
_NUMBER = np.dtype(np.intc)

Cut = Callable[[str], list[str]]


@dataclass(frozen=True)
class Analyzer:
    """How texts are cut: `prepare` is done to the part of a text that is read, and white space
    parts it into words; `terms` are those of a word.
    """

    prepare: Callable[[str], str]
    terms: Cut
    characters: int | None = None  # of a text that are read

    def words(self, text: str) -> list[str]:
        """The prepared text's words, as white space parts them."""
        return self.prepare(text[: self.characters]).split()


def same_letters(text: str) -> str:
    """The text in NFKC and lower case: one sign however it is encoded or how wide it is."""
    return (text if text.isascii() else unicodedata.normalize("NFKC", text)).lower()


def tokens(word_or_sign: re.Pattern[str]) -> Cut:
    """Cuts a word into what the pattern finds: the word without its signs, and each sign."""
    return word_or_sign.findall


def ngrams(first: int, last: int) -> Cut:
    """Cuts a word into n-grams of these sizes, with a space at either end of the word."""
    sizes = range(first, last + 1)

    def cut(word: str) -> list[str]:
        padded = f" {word} "
        length = len(padded)
        found = []
        for size in sizes:
            found += [padded[i : i + size] for i in range(max(1, length - size + 1))]
            if length <= size:  # a short word has itself once
                break
        return found

    return cut


class _Words(dict[str, bytes]):
    """The numbers of each word's terms, as bytes; of the words that came last.

    `parts` cut a word into terms, and number each, or have no number for it.
    """

    def __init__(self, *parts: tuple[Cut, Callable[[str], int | None]]) -> None:
        super().__init__()
        self._parts = parts

    def __missing__(self, word: str) -> bytes:
        numbers = [number(term) for cut, number in self._parts for term in cut(word)]
        found = array("i", [number for number in numbers if number is not None]).tobytes()
        if len(word) <= _LONGEST_CACHED:
            if len(self) >= _WORDS_CACHED:
                self.clear()
            self[word] = found
        return found

    def numbers(self, words: Sequence[str]) -> bytes:
        """The numbers of the words' terms, each as often as it occurs."""
        return b"".join(map(self.__getitem__, words))


@dataclass(frozen=True)
class Vocabulary:
    """The terms that an analyzer's texts are made of, in the order of their columns, with the
    inverse document frequency of each, (terms,) float32.
    """

    analyzer: Analyzer
    terms: Sequence[str]
    idf: np.ndarray


def learn(analyzer: Analyzer, texts: Sequence[str]) -> Vocabulary:
    """The vocabulary of the texts. Raises ValueError where they have no term."""
    numbers: defaultdict[str, int] = defaultdict(lambda: len(numbers))
    words = _Words((analyzer.terms, numbers.__getitem__))
    documents: np.ndarray = np.zeros(0)
    occurrences: np.ndarray = np.zeros(0)
    for some in chunked(texts, _AT_ONCE):
        read = [words.numbers(analyzer.words(text)) for text in some]
        counts = _counts(read, len(numbers))
        documents = _grown(documents, counts.indices, None, len(numbers))
        occurrences = _grown(occurrences, counts.indices, counts.data, len(numbers))
    if not numbers:
        raise ValueError("The texts have no term.")
    terms = np.array(sorted(numbers), dtype=object)
    order = np.fromiter(map(numbers.__getitem__, terms), np.intp, len(terms))
    documents, occurrences = documents[order], occurrences[order].astype(np.float32)
    if len(terms) > MAX_TERMS:
        kept = np.sort((-occurrences).argsort()[:MAX_TERMS])
        terms, documents = terms[kept], documents[kept]
    return Vocabulary(analyzer, terms.tolist(), _idf(documents, len(texts)))


def _grown(
    totals: np.ndarray, numbers: np.ndarray, weights: np.ndarray | None, size: int
) -> np.ndarray:
    """The totals by number with these numbers added, of which there are `size` now."""
    found = np.bincount(numbers, weights, minlength=size).astype(float)
    found[: len(totals)] += totals
    return found


def _idf(documents: np.ndarray, n: int) -> np.ndarray:
    """As if one more text had each term once."""
    in_documents = documents.astype(np.float32) + np.float32(1)
    return np.log(np.float32(n + 1) / in_documents) + np.float32(1)


class TermVectors:
    """Texts as float32 vectors of the terms of one vocabulary after the other.

    Each vocabulary's part has length 1, or 0 without a term. Any thread may use it.
    """

    def __init__(self, vocabularies: Sequence[Vocabulary]) -> None:
        self.vocabularies = tuple(vocabularies)
        ends = np.cumsum([len(v.terms) for v in self.vocabularies]).tolist()
        self.size = ends[-1]
        self._firsts = [0, *ends[:-1]]
        self._idf = np.concatenate([v.idf for v in self.vocabularies])
        parts = [
            (v.analyzer.terms, {term: n for n, term in enumerate(v.terms, first)}.get)
            for v, first in zip(self.vocabularies, self._firsts, strict=True)
        ]
        analyzers = [v.analyzer for v in self.vocabularies]
        self._prepare = analyzers[0].prepare
        # A text that all of them read alike and to its end needs one look-up for each of its words.
        self._alike = all(a.prepare is self._prepare for a in analyzers)
        self._short = min(
            (a.characters for a in analyzers if a.characters is not None), default=None
        )
        self._together = _Words(*parts)
        self._each = [_Words(part) for part in parts]

    def transform(self, texts: Sequence[str]) -> csr_matrix:
        """(n, size)."""
        if len(texts) <= _AT_ONCE:
            return self._transform(texts)
        return vstack([self._transform(some) for some in chunked(texts, _AT_ONCE)], format="csr")

    def _transform(self, texts: Sequence[str]) -> csr_matrix:
        counts = _counts(list(map(self._numbers, texts)), self.size, self._firsts)
        weights = np.log(counts.data, out=counts.data)
        weights += 1
        weights *= self._idf[counts.indices]
        _normalize(counts)
        rows = counts.indptr[:: len(self.vocabularies)]
        return csr_matrix((weights, counts.indices, rows), shape=(len(texts), self.size))

    def _numbers(self, text: str) -> bytes:
        if self._alike and (self._short is None or len(text) <= self._short):
            return self._together.numbers(self._prepare(text).split())
        return b"".join(
            words.numbers(vocabulary.analyzer.words(text))
            for words, vocabulary in zip(self._each, self.vocabularies, strict=True)
        )


@dataclass(frozen=True)
class _TermCounts:
    """How often each row has each number: the attributes of a sparse matrix, which takes longer
    to make than to fill. Each row is one for each range of numbers, as `transform` normalises them.
    """

    data: np.ndarray
    indices: np.ndarray
    indptr: np.ndarray
    shape: tuple[int, int]


def _normalize(counts: _TermCounts) -> None:
    """Scale each row to length 1. As scikit-learn adds the squares: one after the other."""
    lengths = np.diff(counts.indptr)
    rows = np.repeat(np.arange(len(lengths)), lengths)
    squares = np.bincount(rows, counts.data * counts.data, minlength=len(lengths))
    np.divide(counts.data, np.sqrt(squares)[rows], out=counts.data, casting="same_kind")


def _counts(rows: Sequence[bytes], size: int, firsts: Sequence[int] = (0,)) -> _TermCounts:
    """`size` is above all numbers; `firsts` begin the ranges."""
    kind = np.dtype(np.int32 if len(rows) * size < 2**31 else np.int64)
    lengths = np.fromiter(map(len, rows), np.intp, len(rows)) // _NUMBER.itemsize
    begins = np.arange(len(rows), dtype=kind) * kind.type(size)
    keys = np.frombuffer(b"".join(rows), _NUMBER) + np.repeat(begins, lengths)
    keys.sort()
    is_first = np.empty(len(keys) + 1, bool)
    is_first[0] = is_first[-1] = True
    np.not_equal(keys[1:], keys[:-1], out=is_first[1:-1])
    places = np.flatnonzero(is_first)
    found = keys[places[:-1]]
    ranges = (begins[:, None] + np.array(firsts, kind)).ravel()
    indptr = np.append(np.searchsorted(found, ranges), len(found)).astype(_NUMBER)
    ends = indptr[:: len(firsts)]
    indices = found - np.repeat(begins, np.diff(ends))
    counts = np.diff(places).astype(np.float32)
    shape = (len(ranges), size)
    return _TermCounts(counts, indices.astype(_NUMBER, copy=False), indptr, shape)

"""Texts that are nearly equal: the same but for a few characters."""

from collections.abc import Callable, Sequence
from typing import TypeVar

_READ = 300  # characters of a text
_GRAM = 4
_ALIKE = 0.7  # of the n-grams of two texts, in both
_FEW = 40  # n-grams: of fewer each character counts

T = TypeVar("T")


def spread(rows: Sequence[T], text: Callable[[T], str]) -> list[T]:
    """The rows in their order, those that are nearly equal to an earlier one at the end.

    Texts are nearly equal from a Jaccard index of 0.7 of their character n-grams, in any script
    (Broder, On the resemblance and containment of documents, 1997); short ones only if all of their
    n-grams are the same. Quadratic in the rows.
    """
    distinct: list[T] = []
    repeated: list[T] = []
    distinct_grams: list[frozenset[str]] = []
    for row in rows:
        grams = _grams(text(row))
        if grams and any(_are_alike(grams, other) for other in distinct_grams):
            repeated.append(row)
        else:
            distinct.append(row)
            distinct_grams.append(grams)
    return distinct + repeated


def _grams(text: str) -> frozenset[str]:
    read = " ".join(text[:_READ].casefold().split())
    return frozenset(read[i : i + _GRAM] for i in range(max(1, len(read) - _GRAM + 1))) - {""}


def _are_alike(one: frozenset[str], other: frozenset[str]) -> bool:
    fewer, more = sorted((len(one), len(other)))
    if fewer < _FEW:
        return one == other
    if fewer < _ALIKE * more:
        return False
    both = len(one & other)
    return both >= _ALIKE * (fewer + more - both)

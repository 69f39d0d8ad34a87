"""Krippendorff's alpha, beside values that others have published."""

import pytest

from registry.krippendorff import alpha

# Krippendorff (2011), C: four observers, twelve units, missing values; 0.743.
PUBLISHED = [
    "111",
    "22322"[:4],
    "3333",
    "3333",
    "2222",
    "1234",
    "4444",
    "1121",
    "2222",
    "555",
    "11",
]


def test_it_is_the_published_value_of_the_example_with_missing_values():
    assert alpha(PUBLISHED) == pytest.approx(0.743, abs=0.0005)


def test_two_annotators_of_yes_and_no():
    """The same paper, A: ten units of two observers, of which six agree; 0.095."""
    first, second = "0100000010", "1110010000"
    assert alpha(zip(first, second, strict=True)) == pytest.approx(0.095, abs=0.0005)


def test_agreement_is_one_and_units_with_one_value_count_for_nothing():
    assert alpha(["aa", "bb", "aaa"]) == 1
    assert alpha(["aa", "bb", "a", "b", ""]) == 1
    assert alpha(["ab", "ba"]) == pytest.approx(-0.5)


def test_it_is_undefined_without_pairs_or_with_one_value_only():
    assert alpha([]) is None
    assert alpha(["a", "b"]) is None
    assert alpha(["aa", "aaa"]) is None

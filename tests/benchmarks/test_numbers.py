"""The statistics of the benchmarks."""

import math

import pytest

from benchmarks.harness import numbers


def test_a_percentile_is_the_smallest_value_that_enough_values_do_not_exceed():
    values = [float(i) for i in range(100, 0, -1)]
    assert numbers.percentile(values, 0.5) == 50
    assert numbers.percentile(values, 0.99) == 99
    assert numbers.percentile(values, 1.0) == 100
    assert numbers.percentile([7.0], 0.01) == 7
    assert math.isnan(numbers.percentile([], 0.5))


def test_a_ratio_is_the_median_of_the_pairs_and_not_that_of_the_medians():
    # The machine was three times as fast in one round: for both.
    ratio = numbers.ratio_of_pairs([100.0, 300.0, 110.0], [50.0, 150.0, 100.0])
    assert ratio == numbers.Ratio(median=2.0, least=1.1, most=2.0)


def test_there_is_no_ratio_to_nothing():
    assert numbers.ratio_of_pairs([], []) is None
    assert numbers.ratio_of_pairs([1.0], []) is None
    assert numbers.ratio_of_pairs([1.0], [0.0]) is None
    assert numbers.ratio_of_pairs([math.nan], [1.0]) is None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (0.01234, "0.0123"),
        (0.5, "0.500"),
        (14.0, "14"),
        (9.996, "10.00"),
        (12.34, "12.3"),
        (123.4, "123"),
        (12345.6, "12,346"),
        (math.nan, ""),
    ],
)
def test_a_number_has_three_significant_digits(value, text):
    assert numbers.text(value) == text


def test_a_spread_is_the_median_with_the_extremes():
    assert numbers.spread([3.5, 1.5, 2.5]) == "2.50 (1.50 to 3.50)"
    assert numbers.spread([3.5]) == numbers.spread([3.5, 3.5]) == "3.50"
    assert numbers.spread([]) == ""

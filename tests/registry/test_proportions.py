"""Proportions of correct predictions and their intervals."""

import pytest
from scipy.stats import binomtest

from registry.proportions import Proportion
from registry.wilson import wilson


@pytest.mark.parametrize(
    ("correct", "n", "low", "high"),
    # Newcombe 1998, table I, method 3.
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilsons_interval_is_that_of_the_published_table(correct, n, low, high):
    assert wilson(correct, n) == (
        pytest.approx(low, abs=1e-4),
        pytest.approx(high, abs=1e-4),
    )


@pytest.mark.parametrize("n", [1, 20, 21, 5_000])
def test_wilsons_interval_is_scipys(n):
    for correct in {0, 1, n // 3, n}:
        expected = binomtest(correct, n).proportion_ci(method="wilson")
        assert wilson(correct, n) == pytest.approx(expected, abs=1e-9)


def test_below_twenty_there_is_neither_share_nor_interval():
    assert (Proportion(19, 10).share, Proportion(19, 10).interval) == (None, None)
    assert Proportion(20, 10).share == 0.5

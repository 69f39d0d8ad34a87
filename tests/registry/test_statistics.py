"""Formulas of agreement, accuracy and intervals, beside values that others have published."""

import subprocess
import sys

import numpy as np
import pytest
from scipy.stats import binomtest

from registry.statistics import (
    RESAMPLES,
    Proportion,
    as_number,
    bootstrap_interval,
    krippendorff_alpha,
    mean_over,
    resamples,
    wilson,
)


def test_they_need_no_django_because_the_training_child_has_no_database():
    program = "import sys, registry.statistics; sys.exit('django' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)


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


def test_alpha_is_the_published_value_of_the_example_with_missing_values():
    assert krippendorff_alpha(PUBLISHED) == pytest.approx(0.743, abs=0.0005)


def test_alpha_of_two_annotators_of_yes_and_no():
    """Example A of the same paper: ten units of two observers, of which six agree; 0.095."""
    first, second = "0100000010", "1110010000"
    assert krippendorff_alpha(zip(first, second, strict=True)) == pytest.approx(0.095, abs=0.0005)


def test_alpha_of_agreement_is_one_and_units_with_one_value_count_for_nothing():
    assert krippendorff_alpha(["aa", "bb", "aaa"]) == 1
    assert krippendorff_alpha(["aa", "bb", "a", "b", ""]) == 1
    assert krippendorff_alpha(["ab", "ba"]) == pytest.approx(-0.5)


def test_alpha_is_undefined_without_pairs_or_with_one_value_only():
    assert krippendorff_alpha([]) is None
    assert krippendorff_alpha(["a", "b"]) is None
    assert krippendorff_alpha(["aa", "aaa"]) is None


def test_a_seed_draws_the_same_tasks_again():
    drawn = resamples(np.array([3.0, 1.0]), 5)
    assert drawn.shape == (RESAMPLES, 2)
    assert (drawn.sum(axis=1) == 4).all()
    assert (drawn == resamples(np.array([3.0, 1.0]), 5)).all()
    # So that a run of yesterday and one of today have the same interval.
    assert drawn[:3].tolist() == [[2.0, 2.0], [2.0, 2.0], [3.0, 1.0]]


def test_weights_and_places_have_the_same_interval():
    rng = np.random.default_rng(0)
    better = rng.normal(0.1, 1, size=400)
    by_weight = bootstrap_interval(resamples(np.ones(400), 1) @ better / 400)
    by_place = bootstrap_interval(
        np.array([rng.choice(better, 400).mean() for _ in range(RESAMPLES)])
    )
    assert by_place == pytest.approx(by_weight, abs=0.02)


def test_the_mean_leaves_out_targets_that_a_resample_missed():
    nan = np.nan
    means = mean_over([np.array([1.0, nan, nan]), np.array([3.0, 3.0, nan])])
    assert means[:2].tolist() == [2.0, 3.0]
    assert np.isnan(means[2])
    assert (as_number(means[:1]), as_number(means[2:])) == (2.0, None)
    assert bootstrap_interval(means) == pytest.approx((2.025, 2.975))
    assert bootstrap_interval(np.array([nan])) is None


def test_without_tasks_nothing_is_drawn():
    assert not resamples(np.zeros(0), 0).size

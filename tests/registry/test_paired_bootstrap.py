"""The paired bootstrap, which reports and the training child share."""

import subprocess
import sys

import numpy as np
import pytest

from registry.paired_bootstrap import RESAMPLES, interval, mean_over, resamples


def test_it_needs_no_django_because_the_training_child_has_no_database():
    program = "import sys, registry.paired_bootstrap; sys.exit('django' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)


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
    by_weight = interval(resamples(np.ones(400), 1) @ better / 400)
    by_place = interval(np.array([rng.choice(better, 400).mean() for _ in range(RESAMPLES)]))
    assert by_place == pytest.approx(by_weight, abs=0.02)


def test_the_mean_leaves_out_targets_that_a_resample_missed():
    nan = np.nan
    means = mean_over([np.array([1.0, nan, nan]), np.array([3.0, 3.0, nan])])
    assert means[:2].tolist() == [2.0, 3.0]
    assert np.isnan(means[2])
    assert interval(means) == pytest.approx((2.025, 2.975))
    assert interval(np.array([nan])) is None


def test_without_tasks_nothing_is_drawn():
    assert not resamples(np.zeros(0), 0).size

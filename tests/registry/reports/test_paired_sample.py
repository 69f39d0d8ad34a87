"""The statistics of two versions on the same tasks, against scipy and by hand."""

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn import metrics

from mlapi import label_types
from registry.reports.paired_sample import Difference, PairedSample, TargetValue, mcnemar

LABELS = ["a", "b", "c"]


def target_value(value):
    """A label, or a set of them; None for no prediction."""
    if value is None:
        return None
    return TargetValue.of(value, [value] if isinstance(value, str) else value)


def sample_of(tasks):
    return PairedSample(
        [{t: tuple(map(target_value, row)) for t, row in task.items()} for task in tasks]
    )


def sample(rows, target="label"):
    """A paired sample of (human, a, b), each a label or None."""
    return sample_of([{target: row} for row in rows])


def columns_of(found, target="label", kind="choice"):
    return found.columns(target, label_types.get(kind))


def random_sample(n=400, seed=0, error_a=0.3, error_b=0.2):
    rng = np.random.default_rng(seed)
    human = rng.choice(LABELS, size=n, p=[0.6, 0.3, 0.1])
    a = np.where(rng.random(n) < error_a, rng.choice(LABELS, size=n), human)
    b = np.where(rng.random(n) < error_b, rng.choice(LABELS, size=n), human)
    return list(zip(human.tolist(), a.tolist(), b.tolist(), strict=True))


class Sizes:
    """A label type whose values are numbers, compared by their mean error."""

    several = False
    metric = "mae"

    def from_json(self, stored):
        return float(stored)

    def is_correct(self, predicted, human):
        return predicted == human

    def scores(self, truth, predicted):
        errors = np.abs(np.array(truth) - np.array(predicted))
        return {"mae": lambda weights: weights @ errors / weights.sum(axis=1)}


def test_an_error_among_other_metrics_counts_as_a_score_of_which_higher_is_better():
    size = [tuple(TargetValue.of(value, []) for value in (5, 4, 8))] * 40
    label = [tuple(map(target_value, ("ab"[i % 2],) * 3)) for i in range(40)]
    found = PairedSample([{"size": s, "label": each} for s, each in zip(size, label, strict=True)])
    columns = [found.columns("size", Sizes()), columns_of(found)]
    d = found.difference("primary", columns)
    assert (d.a, d.b) == (pytest.approx((1 / 2 + 1) / 2), pytest.approx((1 / 4 + 1) / 2))
    assert d.gain < 0
    assert d.is_clear
    assert found.difference("mae", columns[:1]).gain < 0


@pytest.mark.parametrize("pair", [(0, 0), (3, 1), (10, 10), (2, 15), (0, 7), (400, 500)])
def test_mcnemar_is_the_exact_sign_test(pair):
    n = sum(pair)
    expected = binomtest(min(pair), n, 0.5).pvalue if n else 1.0
    assert mcnemar(*pair) == pytest.approx(expected)


def test_both_metrics_are_scikit_learns_on_the_same_tasks():
    rows = random_sample()
    found = sample(rows)
    columns = columns_of(found)
    human, a, b = zip(*rows, strict=True)
    f1 = found.difference("macro_f1", [columns])
    assert f1.a == pytest.approx(metrics.f1_score(human, a, average="macro"))
    assert f1.b == pytest.approx(metrics.f1_score(human, b, average="macro"))
    assert f1.difference == pytest.approx(f1.b - f1.a)
    accuracy = found.difference("accuracy", [columns])
    assert accuracy.a == pytest.approx(metrics.accuracy_score(human, a))
    by_label = metrics.f1_score(human, b, average=None, labels=LABELS)
    assert [d.b for d in found.by_label(columns)] == pytest.approx(list(by_label))
    assert [d.n for d in found.by_label(columns)] == [human.count(label) for label in LABELS]


def test_the_interval_of_the_accuracies_is_as_wide_as_theory_has_it():
    rows = random_sample(n=2000)
    found = sample(rows)
    d = found.difference("accuracy", [columns_of(found)])
    each = np.array([float(b == h) - float(a == h) for h, a, b in rows])
    expected = 1.96 * each.std() / np.sqrt(len(each))
    low, high = d.interval
    assert (high - low) / 2 == pytest.approx(expected, rel=0.1)
    assert (high + low) / 2 == pytest.approx(d.difference, abs=expected * 0.2)
    assert d.is_clear


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    truth = 0.1 * 2 / 3  # the errors differ by a tenth, and a third of the drawn labels is right
    human_is_uniform = [0.3, 0.2]
    covered = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        human = rng.choice(LABELS, size=300)
        predictions = [
            np.where(rng.random(300) < error, rng.choice(LABELS, size=300), human)
            for error in human_is_uniform
        ]
        found = sample(list(zip(human.tolist(), *(s.tolist() for s in predictions), strict=True)))
        low, high = found.difference("accuracy", [columns_of(found)]).interval
        covered += low <= truth <= high
    assert 51 <= covered <= 60


def test_versions_with_equal_predictions_differ_by_nothing():
    found = sample([(h, a, a) for h, a, _ in random_sample()])
    d = found.difference("macro_f1", [columns_of(found)])
    assert (d.difference, d.interval, d.is_clear) == (0, (0, 0), False)


def test_equal_tasks_are_one_cell_and_count_each():
    rows = random_sample(n=60)
    small, large = sample(rows), sample(rows * 50)
    assert small.counts.shape == large.counts.shape
    f1 = [s.difference("macro_f1", [columns_of(s)]) for s in (small, large)]
    assert f1[0].difference == pytest.approx(f1[1].difference)
    widths = [d.interval[1] - d.interval[0] for d in f1]
    assert widths[1] == pytest.approx(widths[0] / np.sqrt(50), rel=0.25)


def test_no_answer_is_wrong_and_no_label_is_not_counted():
    found = sample_of(
        [
            {"x": ("a", "a", None)},
            {"x": ("a", "a", "a"), "y": ("b", None, "b")},
            {"y": ("b", "b", "b")},
        ]
    )
    x, y = columns_of(found, "x"), columns_of(found, "y")
    assert (found.n, found.tasks(x), found.tasks(y)) == (3, 2, 2)
    assert found.disagreements(x) == (1, 0)
    assert found.disagreements(y) == (0, 1)
    accuracy = found.difference("accuracy", [x])
    assert (accuracy.a, accuracy.b) == (1.0, 0.5)
    both = found.difference("accuracy", [x, y])
    assert (both.a, both.b, both.difference) == (0.75, 0.75, 0.0)


def test_an_empty_human_set_can_be_predicted_right():
    found = sample_of([{"x": ([], [], ["a"])}, {"x": (["a", "b"], ["a"], ["a", "b"])}])
    columns = columns_of(found, "x", "choices")
    assert found.disagreements(columns) == (1, 1)
    micro = found.difference("micro_f1", [columns])
    assert (micro.a, micro.b) == (pytest.approx(2 / 3), pytest.approx(4 / 5))


def test_a_label_that_is_absent_on_one_side_has_no_difference():
    found = sample([("a", "a", "b"), ("a", "a", "a")])
    label_b = found.by_label(columns_of(found))[1]
    assert (label_b.a, label_b.b, label_b.difference, label_b.interval) == (None, 0.0, None, None)


def test_nothing_in_common_has_no_numbers():
    found = PairedSample([])
    d = found.difference("primary", [])
    assert (d.a, d.b, d.difference, d.interval, d.n) == (None, None, None, None, 0)


def test_less_of_an_error_is_better():
    error = Difference("mae", 0.5, 0.2, -0.3, (-0.4, -0.2), 50)
    assert error.gain == pytest.approx(0.3)
    of_label = Difference("mae", 0.5, 0.2, -0.3, (-0.4, -0.2), 50, metric="f1")
    assert of_label.gain == pytest.approx(-0.3)

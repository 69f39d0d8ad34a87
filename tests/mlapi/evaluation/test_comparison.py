"""Candidate and champion on the same tasks: by target, together, and the promotion that follows."""

import numpy as np
import pytest
from sklearn.metrics import f1_score

from mlapi.evaluation.comparison import PairedHoldout, PairedTarget, compare, own_interval
from registry.promotion import decide
from registry.statistics import indicators, macro_f1

LABELS = ["a", "b", "c"]


def paired(humans, candidate, champion, target="t"):
    tasks = list(range(len(humans)))
    return PairedTarget.of(target, "choice", tasks, humans, candidate, champion)


def comparison_of(*targets, seed=0):
    return compare([PairedHoldout(targets, champion_serves=True)], seed)


def test_the_interval_covers_a_difference_that_is_there():
    rng = np.random.default_rng(3)
    humans = [LABELS[i] for i in rng.integers(3, size=500)]

    def right(share):
        return [h if rng.random() < share else None for h in humans]

    found = comparison_of(paired(humans, right(0.9), right(0.6)))

    low, high = found.interval
    assert 0 < low < found.difference < high
    assert high - low < 0.15


def test_targets_are_averaged_unweighted():
    big = paired(["a", "b"] * 50, ["a", "b"] * 50, ["a", "b"] * 50, "big")
    small = paired(["a", "b"], ["a", None], ["a", "b"], "small")

    found = comparison_of(big, small)

    assert found.candidate == pytest.approx((1 + 0.5) / 2)
    assert found.champion == 1
    assert found.n == 100
    assert found.targets["small"].n == 2


def test_nothing_to_compare_is_undefined():
    found = compare([], 0)

    assert (found.candidate, found.interval, found.n) == (None, None, 0)


def test_a_seed_has_the_interval_that_it_had_in_earlier_versions():
    humans, candidate = ["a", "b", "c", "a"] * 20, ["a", "b", "c", "c"] * 20
    champion = ["a", "b", "b", None] * 20

    found = comparison_of(paired(humans, candidate, champion), seed=11)

    assert found.interval == pytest.approx([0.2433781, 0.4078491], abs=1e-6)


def target_of_errors(target, candidate, champion, tasks):
    """A target whose metric is the mean of the errors on its tasks."""

    def score(errors):
        return lambda weights: weights @ np.array(errors) / weights.sum(axis=1)

    return PairedTarget(target, "mae", tasks, score(candidate), score(champion))


def test_pipelines_are_compared_together_on_the_tasks_of_all_their_targets():
    humans = ["a", "b"] * 20
    same = paired(humans, humans, humans, "same")
    better = paired(humans[:30], humans[:30], ["a", "b"] * 10 + [None] * 10, "better")

    found = compare([PairedHoldout([same], True), PairedHoldout([better], False)], 0)

    alone = found.targets["better"]
    assert found.n == 40
    assert found.champion_serves
    assert found.difference == pytest.approx(alone.difference / 2)
    low, high = found.interval
    assert 0 < low < found.difference < high
    assert high - low < alone.interval[1] - alone.interval[0]


@pytest.mark.parametrize(("errors", "promotes"), [((1.0, 9.0), True), ((9.0, 1.0), False)])
def test_an_error_among_other_metrics_counts_as_a_score_of_which_higher_is_better(errors, promotes):
    humans, n = ["a", "b"] * 20, 40
    candidate, champion = ([error] * n for error in errors)

    found = comparison_of(
        paired(humans, humans, humans),
        target_of_errors("size", candidate, champion, list(range(n))),
    )

    assert found.metric == "primary"
    assert found.candidate == pytest.approx((1 + 1 / (1 + errors[0])) / 2)
    assert found.champion == pytest.approx((1 + 1 / (1 + errors[1])) / 2)
    low, high = found.interval
    assert (low > 0) is promotes
    assert (high < 0) is not promotes
    size = found.targets["size"]
    assert (size.metric, size.candidate, size.champion) == ("mae", *errors)
    assert size.difference == errors[0] - errors[1]
    assert decide("if_at_least_as_good", vars(found), has_champion=True).promote is promotes


def test_errors_alone_are_compared_as_errors():
    tasks = list(range(40))

    found = comparison_of(
        target_of_errors("a", [1.0] * 40, [3.0] * 40, tasks),
        target_of_errors("b", [2.0] * 40, [2.0] * 40, tasks),
    )

    assert (found.metric, found.candidate, found.champion) == ("mae", 1.5, 2.5)
    assert decide("if_at_least_as_good", vars(found), has_champion=True).promote


def test_a_target_without_tasks_takes_no_part():
    humans = ["a", "b"] * 20

    found = comparison_of(paired(humans, humans, humans), target_of_errors("b", [], [], []))

    assert (found.metric, set(found.targets)) == ("macro_f1", {"t"})


def own(humans, predicted, target="t"):
    return paired(humans, predicted, predicted, target)


def test_a_version_that_is_always_right_on_few_tasks_has_a_wide_interval():
    """All resamples are equal, and 13 tasks prove little."""
    assert own_interval([own(["a"] * 13, ["a"] * 13)], 0) == pytest.approx([0.772, 1.0], abs=0.001)
    low, high = own_interval([own(["a"] * 1300, ["a"] * 1300)], 0)
    assert (low > 0.99, high) == (True, 1.0)


def test_the_interval_of_macro_f1_is_as_wide_as_its_rarest_class_makes_it():
    """Wilson's of the share of correct ones would be half as wide."""
    humans = ["a"] * 95 + ["b"] * 5
    low, high = own_interval([own(humans, ["a"] * 95 + ["b", "b", "b", "a", "a"])], 0)
    assert low < 0.7 < 0.87 < high
    assert high - low > 0.25


def test_the_interval_covers_the_value_of_many_draws():
    """The intervals of versions with an accuracy of 0.8 contain it in most draws."""
    rng = np.random.default_rng(5)
    held = 0
    for draw in range(40):
        humans = [LABELS[i] for i in rng.integers(2, size=60)]
        predicted = [h if rng.random() < 0.8 else LABELS[1 - LABELS.index(h)] for h in humans]
        low, high = own_interval([own(humans, predicted)], draw)
        held += low <= 0.8 <= high
    assert held >= 34


def test_the_interval_of_an_error_is_the_bootstraps():
    errors = PairedTarget("t", "mae", [0, 1, 2], _error, _error)
    assert own_interval([errors], 0) == [2.0, 2.0]


def test_without_a_task_there_is_no_interval():
    assert own_interval([], 0) is None


def _error(weights):
    return np.full(len(weights), 2.0)


def test_a_comparison_has_all_digits_of_the_metric_that_the_version_has():
    humans = ["a", "b", "c", "a", "b", "c", "a"]
    predicted = ["a", "b", "a", "a", "c", "c", "b"]
    labels = [(label,) for label in humans], [(label,) for label in predicted]
    own = macro_f1(*(indicators(of, LABELS) for of in labels))
    assert own == f1_score(humans, predicted, average="macro")
    assert comparison_of(paired(humans, predicted, predicted)).candidate == own

"""The metrics, beside scikit-learn's and values computed by hand."""

import numpy as np
import pytest
from sklearn import metrics

from mlapi.label_types import label_metrics

LABELS = ["a", "b", "c"]


def value(rows, name, label=""):
    (found,) = [r.value for r in rows if (r.name, r.label) == (name, label)]
    return found


@pytest.fixture
def target():
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet([1, 1, 1], size=400)
    humans = [LABELS[rng.choice(3, p=p)] for p in probabilities]
    answers = [LABELS[i] for i in probabilities.argmax(axis=1)]
    return humans, answers, probabilities


def test_the_metrics_of_single_labels_are_scikit_learns(target):
    humans, answers, probabilities = target

    rows = label_metrics.multiclass(humans, answers, probabilities, LABELS, baseline="a")

    expected = {
        "accuracy": metrics.accuracy_score(humans, answers),
        "macro_f1": metrics.f1_score(humans, answers, average="macro"),
        "weighted_f1": metrics.f1_score(humans, answers, average="weighted"),
        "log_loss": metrics.log_loss(humans, probabilities, labels=LABELS),
        "baseline_accuracy": humans.count("a") / 400,
        "baseline_macro_f1": metrics.f1_score(humans, ["a"] * 400, average="macro"),
    }
    for name, number in expected.items():
        assert value(rows, name) == pytest.approx(number), name
    scores = metrics.precision_recall_fscore_support(humans, answers, labels=LABELS)
    for name, numbers in zip(("precision", "recall", "f1", "support"), scores, strict=True):
        for label, number in zip(LABELS, numbers, strict=True):
            assert value(rows, name, label) == pytest.approx(number), (name, label)
    assert {r.n for r in rows if not r.label} == {400}


def test_log_loss_gives_unlearned_labels_what_the_others_leave_in_equal_parts():
    probabilities = np.array([[0.5, 0.3], [0.6, 0.2]])
    unlearned = ["new", "newer"]

    rows = label_metrics.multiclass(
        ["a", "new"], ["a", "a"], probabilities, ["a", "b"], baseline="a", unlearned=unlearned
    )

    assert value(rows, "log_loss") == pytest.approx(-np.log([0.5, 0.1]).mean())


def test_the_metrics_of_sets_are_scikit_learns():
    rng = np.random.default_rng(1)
    probabilities = rng.random((300, 3))
    human = rng.random((300, 3)) < probabilities
    predicted = probabilities >= 0.5

    def sets(matrix):
        return [tuple(x for x, on in zip(LABELS, row, strict=True) if on) for row in matrix]

    rows = label_metrics.multilabel(
        sets(human), sets(predicted), probabilities, LABELS, baseline=("a",)
    )

    assert value(rows, "subset_accuracy") == pytest.approx(metrics.accuracy_score(human, predicted))
    for average in ("micro", "macro"):
        number = metrics.f1_score(human, predicted, average=average)
        assert value(rows, f"{average}_f1") == pytest.approx(number)


def test_a_label_that_humans_never_gave_has_no_term_in_macro_f1():
    humans, answers = ["a", "a", "b", "b"], ["a", "x", "b", "b"]
    probabilities = np.full((4, 2), 0.5)

    rows = label_metrics.multiclass(humans, answers, probabilities, ["a", "b"], baseline="a")

    assert value(rows, "macro_f1") == pytest.approx((2 / 3 + 1) / 2)
    assert value(rows, "precision", "x") == 0
    assert value(rows, "recall", "x") is None


def test_a_class_that_was_never_learned_costs_much_but_not_infinity():
    rows = label_metrics.multiclass(["b"], ["a"], np.array([[1.0]]), ["a"], baseline="a")

    assert value(rows, "log_loss") == pytest.approx(13.8, abs=0.1)


def test_metrics_of_no_tasks_are_undefined_and_not_zero():
    rows = label_metrics.multiclass([], [], np.empty((0, 2)), ["a", "b"], baseline="a")

    assert value(rows, "macro_f1") is None
    assert {r.n for r in rows} == {0}


def test_ece_is_of_the_answers_which_need_not_be_the_likeliest():
    probabilities = np.array([[0.75, 0.25], [0.75, 0.25], [0.95, 0.05], [0.95, 0.05]])
    rows = label_metrics.multiclass(
        ["a", "b", "a", "a"], ["b", "b", "a", None], probabilities, ["a", "b"], baseline="a"
    )

    # Of two with 0.25 one is right, of two with 0.95 as well: no answer never is.
    assert value(rows, "ece") == pytest.approx((2 * 0.25 + 2 * 0.45) / 4)
    assert value(rows, "log_loss") == pytest.approx(-np.log([0.75, 0.25, 0.95, 0.95]).mean())


def test_ece_by_hand():
    confidence = np.array([0.95, 0.95, 0.55, 0.55])
    correct = np.array([True, False, True, False])

    assert label_metrics.ece(confidence, correct) == pytest.approx((2 * 0.45 + 2 * 0.05) / 4)


def test_the_expected_ece_of_a_calibrated_model_falls_with_n():
    rng = np.random.default_rng(2)
    few, many = rng.uniform(0.3, 1, 50), rng.uniform(0.3, 1, 5000)
    drawn = rng.random(50) < few

    expected = label_metrics.ece_if_calibrated(few)

    assert expected == label_metrics.ece_if_calibrated(few)
    assert label_metrics.ece_if_calibrated(many) < 0.03 < expected < 0.25
    assert label_metrics.ece(few, drawn) == pytest.approx(expected, abs=0.12)

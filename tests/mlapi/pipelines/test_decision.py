"""The decision between the probabilities of one label, in which rare labels may count more."""

import numpy as np
import pytest

from mlapi import pipelines
from mlapi.label_types import value_of
from mlapi.pipelines.artifact import pack
from mlapi.pipelines.classification import decision
from mlapi.pipelines.classification.predictor import answers
from mlapi.pipelines.parts import ArtifactInvalid
from tests.mlapi.pipelines.texts import WORDS, target_spec, text_classifier

FRUIT, SKY, CITY = (list(WORDS).index(label) for label in ("fruit", "sky", "city"))


def likely(best: np.ndarray, sure: np.ndarray) -> np.ndarray:
    """(n, 2): the probability of each example's best label, the rest is the other's."""
    found = np.empty((len(best), 2))
    rows = np.arange(len(best))
    found[rows, best], found[rows, 1 - best] = sure, 1 - sure
    return found


@pytest.fixture
def one_in_fifty():
    """Probabilities that tell the rare label apart, and never are above a half for it."""
    labels = np.zeros(200, dtype=int)
    labels[::50] = 1
    probabilities = likely(np.zeros(200, dtype=int), np.where(labels == 1, 0.7, 0.98))
    return probabilities, labels


def test_a_label_in_fifty_is_found_by_its_weight_and_never_by_its_probability(one_in_fifty):
    probabilities, labels = one_in_fifty

    found = decision.fit(probabilities, labels)

    assert probabilities.argmax(axis=1).max() == 0
    assert ((probabilities * found.weights).argmax(axis=1) == labels).all()
    assert found.weights.max() == 1
    assert found.weights[1] > found.weights[0] > 0
    assert "macro F1 1.000 instead of 0.495 on the 200 unseen examples" in found.note


def test_labels_that_are_equally_frequent_are_decided_as_they_were():
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.ones(4), size=200)

    assert decision.fit(probabilities, np.arange(200) % 4) is None


def test_the_likeliest_label_stays_where_no_weight_is_better_by_two_points(one_in_fifty):
    _, labels = one_in_fifty

    assert decision.fit(likely(labels, np.full(200, 0.9)), labels) is None
    never = likely(np.zeros(200, dtype=int), np.full(200, 0.98))  # which tells nothing apart
    assert decision.fit(never, labels) is None


def test_the_weights_of_an_example_are_chosen_by_the_other_folds(one_in_fifty):
    probabilities, labels = one_in_fifty
    fold = np.arange(200) % 5
    fold[labels == 1] = 0  # no other fold has the rare label

    weights = decision.out_of_fold_weights(probabilities, labels, fold)

    assert weights.shape == probabilities.shape
    assert (weights[fold == 0] == 1).all()
    assert (weights[fold == 1, 1] > weights[fold == 1, 0]).all()


def test_the_score_stays_the_probability_of_what_is_predicted():
    rows = np.array([[0.6, 0.3, 0.1], [0.9, 0.06, 0.04], [np.nan] * 3])
    weights = np.array([0.25, 1.0, 1.0])

    first, second, absent = answers(target_spec(), rows, weights=weights)

    assert (value_of(first), first.score) == ("sky", 0.3)
    assert (value_of(second), second.score) == ("fruit", 0.9)
    assert absent is None
    # Of the products .15, .3 and .1, as shares of their sum.
    assert first.margin == pytest.approx(0.15 / 0.55)
    assert second.margin == pytest.approx((0.225 - 0.06) / (0.225 + 0.06 + 0.04))


def test_weights_may_be_those_of_each_row_and_equal_ones_change_nothing():
    rows = np.random.default_rng(1).dirichlet(np.ones(3), size=50)
    weights = np.ones((50, 3))

    plain, found = answers(target_spec(), rows), answers(target_spec(), rows, weights=weights)
    weights[0, rows[0].argmax()] = 1e-9
    other, *rest = answers(target_spec(), rows, weights=weights)

    assert [(value_of(one), one.score) for one in found] == [
        (value_of(one), one.score) for one in plain
    ]
    assert [one.margin for one in found] == pytest.approx([one.margin for one in plain])
    assert value_of(other) != value_of(plain[0])
    assert rest == found[1:]


def test_sets_of_labels_are_decided_as_they_were():
    rows = np.array([[0.6, 0.4, 0.1]])
    spec = target_spec(kind="choices")

    assert answers(spec, rows, weights=np.array([0.1, 1, 1])) == answers(spec, rows)


def test_a_version_decides_by_its_weights_and_keeps_them():
    model = text_classifier()
    rows = [{"text": f"the {word} and {other}"} for word in WORDS["fruit"] for other in ("a", "of")]
    plain = served_answers(model, rows)
    weights = np.ones(3)
    weights[FRUIT] = 1e-6
    model.targets[0].weights = weights

    found = served_answers(model, rows)

    assert {value_of(answer) for answer in plain} == {"fruit"}
    assert "fruit" not in {value_of(answer) for answer in found}
    assert max(answer.score for answer in found) < 0.5


def test_an_artifact_without_a_decision_is_read_as_it_was():
    model = text_classifier()
    parts = model.to_parts()
    assert "decision" not in parts["targets"][0]
    predictor = pipelines.get("text_classification").load(pack(model.pipeline, parts))

    assert predictor.model.targets[0].weights is None
    assert pack(model.pipeline, predictor.model.to_parts()) == pack(model.pipeline, parts)


@pytest.mark.parametrize("weights", [[1.0, 1.0], [1.0, 0.0, 1.0], [1.0, np.nan, 1.0]])
def test_a_decision_that_cannot_be_one_is_refused(weights):
    model = text_classifier()
    model.targets[0].weights = np.array(weights)

    with pytest.raises(ArtifactInvalid):
        served_answers(model, [])


def served_answers(model, rows):
    """The answers of the version, written and read."""
    predictor = pipelines.get("text_classification").load(pack(model.pipeline, model.to_parts()))
    return [found["topic"] for found in predictor.predict(rows)]

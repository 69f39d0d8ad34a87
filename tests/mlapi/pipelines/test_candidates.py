"""The candidates, their calibration and their artifact."""

import numpy as np
import pytest

from mlapi.label_types import value_of
from mlapi.pipelines import get
from mlapi.pipelines.artifact import pack, unpack, write
from mlapi.pipelines.classification import calibration
from mlapi.pipelines.classification.candidates import UNSEEN
from mlapi.pipelines.classification.dataset import build, folds
from mlapi.pipelines.classification.predictor import answers
from mlapi.pipelines.models import load_model
from mlapi.pipelines.parts import ArtifactInvalid, Parts
from mlapi.pipelines.text_classification import model as text_model
from mlapi.pipelines.text_classification.model import TextModality
from tests.mlapi.pipelines.texts import some_texts, target_spec, text_classifier

LABELS = ("fruit", "sky", "city")


def numbered(chosen):
    return np.array([LABELS.index(label) for label in chosen])


@pytest.mark.parametrize("candidate", TextModality.candidates)
def test_a_candidate_learns_what_is_there_to_learn(candidate):
    texts, chosen = some_texts(150, noise=0)
    estimator = candidate.fit(texts[:120], numbered(chosen)[:120], 3, "single")

    assert (estimator.scores(texts[120:]).argmax(axis=1) == numbered(chosen)[120:]).mean() > 0.9
    assert estimator.nbytes > 0


@pytest.mark.parametrize("texts", [["!!!", "???"], ["😀", "日本語"], ["a", "b"], ["1", "2"]])
@pytest.mark.parametrize("candidate", TextModality.candidates)
def test_texts_without_a_word_can_be_learned(candidate, texts):
    estimator = candidate.fit(texts * 3, np.array([0, 1] * 3), 2, "single")

    assert estimator.scores(texts).argmax(axis=1).tolist() == [0, 1]


def test_one_class_is_always_predicted():
    estimator = text_model.WORD.fit(["a", "b"], np.array([1, 1]), 3, "single")

    scores = estimator.scores(["c"])
    assert scores[0].tolist() == [UNSEEN, 1.0, UNSEEN]
    assert calibration.Temperature(0.5).probabilities(scores)[0].tolist() == [0, 1, 0]


@pytest.mark.parametrize("count", [2, 3, 9])
def test_folds_deal_every_class_out_evenly(count):
    keys = ["often"] * 40 + ["rare"] * count + ["once"]
    dealt = folds(keys, seed=3)

    counts = np.bincount(dealt[:40], minlength=5)
    assert counts.max() - counts.min() <= 1
    assert len(set(dealt[40 : 40 + count])) == min(5, count)
    assert folds(keys, seed=3).tolist() == dealt.tolist()
    assert folds(keys, seed=4).tolist() != dealt.tolist()


def test_equal_texts_share_a_fold_whatever_their_labels():
    texts = [f"text {i}" for i in range(40)]
    copies = [*texts, *(f" TEXT  {i}" for i in range(40)), "text 0"]
    rows = [
        {"id": i, "data": {"text": t}, "labels": {"topic": LABELS[i % 3]}, "split": "train"}
        for i, t in enumerate(copies)
    ]

    dealt = build(TextModality(), rows, [target_spec(labels=LABELS)], seed=0).train["fold"].tolist()

    assert dealt[40:80] == dealt[:40]
    assert dealt[80] == dealt[0]
    assert np.bincount(dealt[:40]).tolist() == [8] * 5


def test_rare_classes_do_not_break_the_calibration():
    texts, chosen = some_texts(60, labels=LABELS[:2], noise=0)
    texts, truth = [*texts, "a lone tram"], np.array([*numbered(chosen), 2])
    scores = np.full((61, 3), UNSEEN)
    dealt = folds([str(w) for w in truth], 0)
    for k in range(5):
        out = dealt == k
        rest = [t for t, o in zip(texts, out, strict=True) if not o]
        fitted = text_model.WORD.fit(rest, truth[~out], 3, "single")
        scores[out] = fitted.scores([t for t, o in zip(texts, out, strict=True) if o])

    probabilities = calibration.fit(scores, truth, "single").probabilities(scores)

    assert np.isfinite(probabilities).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert 0.5 < probabilities[:60].max(axis=1).mean() < 1


def test_certainty_is_never_learned_from_few_texts():
    scores = np.array([[1.0, -1.0], [-1.0, 1.0]] * 10)

    fitted = calibration.fit(scores, np.array([0, 1] * 10), "single")

    assert 0.9 < fitted.probabilities(scores).max() < 0.99


def test_the_temperature_finds_how_sure_the_scores_deserve_to_be():
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(4000, 4))
    chances = np.exp(scores / 0.4)
    chances /= chances.sum(axis=1, keepdims=True)
    truth = np.array([rng.choice(4, p=p) for p in chances])

    assert calibration.fit(scores, truth, "single").temperature == pytest.approx(0.4, abs=0.03)


@pytest.mark.parametrize("unlearned", [0, 2])
def test_few_examples_leave_a_share_for_every_label_of_the_config(unlearned):
    scores = np.array([[1.0, -1.0, UNSEEN], [-0.2, 0.3, 0.1]] * 6)
    labels = np.array([0, 1] * 6)

    few = calibration.fit(scores, labels, "single", unlearned)
    many = calibration.fit(np.tile(scores, (200, 1)), np.tile(labels, 200), "single", unlearned)

    probabilities = few.probabilities(scores)
    share = 3 / (2 * 12 + 3)
    assert probabilities[0, 2] == pytest.approx(share / (3 + unlearned))
    lacking = share * unlearned / (3 + unlearned)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1 - lacking)
    alone = calibration.Temperature(few.temperature).probabilities(scores)
    assert probabilities.argsort(axis=1).tolist() == alone.argsort(axis=1).tolist()
    assert 1 - many.probabilities(scores).sum(axis=1).max() < 0.002


def test_the_share_of_unlearned_labels_is_in_the_artifact():
    fitted = calibration.fit(np.eye(3), np.arange(3), "single", 4)

    parts = Parts(fitted.to_parts())
    read = parts.one_of("kind", calibration.KINDS).from_parts(parts, 3)

    assert read == fitted
    with pytest.raises(ArtifactInvalid):
        calibration.ShrunkTemperature.from_parts(Parts({**fitted.to_parts(), "labels": 2}), 3)
    with pytest.raises(ArtifactInvalid):
        calibration.ShrunkTemperature.from_parts(Parts({**fitted.to_parts(), "share": 1.1}), 3)


def test_several_labels_each_have_a_probability():
    texts, chosen = some_texts(200, noise=0)
    both = [f"{a} {b}" for a, b in zip(texts, [*texts[1:], texts[0]], strict=True)]
    numbers = numbered(chosen)
    truth = np.zeros((200, 4), dtype=int)  # no example has the fourth label
    truth[np.arange(200), numbers] = 1
    truth[np.arange(200), np.roll(numbers, -1)] = 1
    estimator = text_model.WORD.fit(both[:150], truth[:150], 4, "multiple")
    fitted = calibration.fit(estimator.scores(both[:150]), truth[:150], "multiple")

    probabilities = fitted.probabilities(estimator.scores(both[150:]))

    assert ((probabilities >= 0.5) == truth[150:]).all(axis=1).mean() > 0.8
    assert (probabilities[:, 3] == 0).all()


@pytest.mark.parametrize("value", [0, 1])
def test_a_label_that_always_or_never_applies_is_learned_as_such(value):
    texts, _ = some_texts(30)
    truth = np.full((30, 1), value)

    estimator = text_model.WORD.fit(texts, truth, 1, "multiple")
    fitted = calibration.fit(estimator.scores(texts), truth, "multiple")

    assert ((fitted.probabilities(estimator.scores(texts)) >= 0.5) == value).all()


def test_answers_carry_the_probability_of_what_they_say():
    single, none = answers(
        target_spec(labels=LABELS), np.array([[0.2, 0.7, 0.1], [np.nan, np.nan, np.nan]])
    )
    (several,) = answers(target_spec(kind="choices", labels=LABELS), np.array([[0.9, 0.3, 0.6]]))
    (nothing,) = answers(target_spec(kind="choices", labels=LABELS), np.array([[0.1, 0.2, 0.1]]))

    assert (value_of(single), single.score) == ("sky", 0.7)
    assert none is None
    assert (value_of(several), several.score) == (("city", "fruit"), 0.6)
    assert (value_of(nothing), nothing.score) == ((), 0.8)


def test_an_artifact_holds_the_whole_model(tmp_path):
    model = text_classifier(targets=2)
    path = tmp_path / "artifact.bin"
    sha256 = write(path, model.pipeline, model.to_parts())

    found = load_model(str(path), sha256)

    texts = [["an apple", None], ["the moon", "a tram"]]
    np.testing.assert_array_equal(found.probabilities(texts, 2), model.probabilities(texts, 2))
    assert [t.spec for t in found.targets] == [t.spec for t in model.targets]
    assert load_model(str(path), sha256) is found
    assert [p.name for p in tmp_path.iterdir()] == ["artifact.bin"]


def test_a_prediction_copies_no_coefficients():
    model = text_classifier()
    parts = unpack(pack(model.pipeline, model.to_parts()))

    ridge = get(model.pipeline).read_model(parts).targets[0].estimator.ridge

    assert ridge.coef_.shape[0] == len(LABELS)
    assert np.shares_memory(ridge.coef_.T.ravel(), ridge.coef_)

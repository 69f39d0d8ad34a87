"""A label of one task in fifty: found where rare labels count more, which the version says."""

import random

import numpy as np
import pytest

from mlapi.label_types import value_of
from mlapi.pipelines.models import load_model
from mlapi.pipelines.predictor import Predictor
from mlapi.pipelines.text_classification.pipeline import TextClassification
from mlapi.training.child import carry_out
from tests.mlapi.pipelines.texts import FILLER, WORDS, some_texts
from tests.mlapi.training_child.conftest import champion_of, target, task, tasks

LABELS = ("fruit", "sky")
RARE = "sky"


def one_in_fifty():
    """200 training tasks and 200 of the holdout; each rare one has a word that two others have.

    So the rare label is never the likeliest, and yet distinguishable from most others.
    """
    rng = random.Random(1)
    found = []
    for i in range(400):
        words = rng.choices(WORDS["city"] + FILLER, k=4)
        if i % 50 in (0, 10, 20):
            words[0] = "star"
        rng.shuffle(words)
        label = RARE if i % 50 == 0 else "fruit"
        split = "train" if i < 200 else "holdout"
        found.append(task(i, " ".join(words), {"topic": label}, split))
    return found


@pytest.fixture
def train_job(make_job):
    """`train_job(rows, rare_labels=...)`: a job that has finished."""

    def train(rows, labels=LABELS, kind="choice", **options):
        job = make_job(rows, [target(labels=labels, kind=kind)], options=options)
        job.train()
        return job

    return train


def predictor_of(job) -> Predictor:
    return TextClassification().predictor(
        load_model(str(job.artifact), job.result["artifact_sha256"])
    )


def rare(outcomes):
    return [o["task"] for o in outcomes if o["predicted"] == RARE]


def test_a_rare_label_is_found_and_the_version_says_how(train_job):
    job = train_job(one_in_fifty())

    (won,) = [c for c in job.result["candidates"] if c["won"]]
    (of_version,) = job.result["targets"]
    assert of_version["decision"].startswith("Rare labels count more")
    assert of_version["decision"] in won["note"]
    assert job.metric("recall", label=RARE) == 1
    assert job.metric("precision", label=RARE) == pytest.approx(1 / 3)


def test_out_of_fold_rare_labels_are_predicted_too(train_job):
    found = train_job([row for row in one_in_fifty() if row["id"] < 240])  # of a small holdout

    assert set(rare(found.result["out_of_fold"])) >= {0, 50, 100, 150}
    assert len(found.result["out_of_fold"]) == 200


def test_as_likely_a_rare_label_is_never_predicted(train_job):
    job = train_job(one_in_fifty(), rare_labels="as_likely")

    assert rare(job.result["outcomes"]) == []
    assert job.result["targets"][0]["decision"] == ""
    assert not any("Rare" in c["note"] for c in job.result["candidates"])


def test_the_version_answers_as_it_was_evaluated_and_its_scores_are_probabilities(train_job):
    rows = one_in_fifty()
    job = train_job(rows)
    holdout = [row for row in rows if row["split"] == "holdout"]
    predictor = predictor_of(job)

    found = [one["topic"] for one in predictor.predict([row["data"] for row in holdout])]

    outcomes = {o["task"]: o for o in job.result["outcomes"]}
    assert [value_of(one) for one in found] == [outcomes[r["id"]]["predicted"] for r in holdout]
    (of_version,) = predictor.model.targets
    probabilities = of_version.probabilities([row["data"]["text"] for row in holdout])
    numbers = [of_version.spec.labels.index(value_of(one)) for one in found]
    expected = probabilities[np.arange(len(found)), numbers]
    assert [one.score for one in found] == pytest.approx(expected.tolist())
    assert min(expected) < 0.5  # of a rare label, which is predicted all the same


def test_equally_frequent_labels_are_decided_by_their_probabilities(train_job):
    labels = ("fruit", "sky", "city")
    texts, own = some_texts(120, noise=0)
    # Some are wrong, three at a time, so that each label stays as frequent in both splits.
    wrong = [labels[(i + 1) % 3] if i // 3 % 4 == 0 else label for i, label in enumerate(own)]
    job = train_job(tasks(texts, wrong), labels)

    assert job.result["targets"][0]["decision"] == ""
    assert predictor_of(job).model.targets[0].weights is None


def test_sets_of_labels_have_no_such_decision(train_job):
    rows = [row | {"labels": {"topic": [row["labels"]["topic"]]}} for row in one_in_fifty()]
    job = train_job(rows, kind="choices")

    assert job.result["targets"][0]["decision"] == ""
    assert predictor_of(job).model.targets[0].weights is None


def test_a_champion_and_the_learning_curve_decide_as_they_serve(train_job, make_job):
    plain = train_job(one_in_fifty(), rare_labels="as_likely")
    champion = champion_of(plain)
    job = make_job(one_in_fifty(), [target(labels=LABELS)], champion=champion)

    job.train()
    assert carry_out(job.folder, curve=True) == 0

    comparison = job.result["comparison"]
    assert comparison["champion"] == pytest.approx(plain.metric("macro_f1"))
    assert comparison["candidate"] == pytest.approx(job.metric("macro_f1"))
    assert comparison["difference"] > 0.1
    points = [m for m in job.read("curve.json")["metrics"] if m["name"] == "learning_curve"]
    assert points[-1]["value"] == pytest.approx(job.metric("macro_f1"))

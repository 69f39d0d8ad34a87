"""Out-of-fold predictions of training tasks, beside a small holdout."""

import pytest

from registry.statistics import wilson
from tests.mlapi.pipelines.texts import some_texts
from tests.mlapi.training_child.conftest import champion_of, target, task, tasks


def out_of_fold(job):
    return {o["task"]: o for o in job.result["out_of_fold"]}


def stored_outcomes(job, control="topic"):
    """The outcomes in the form in which the registry passes them to the next run."""
    return {control: {str(n): o["predicted"] for n, o in out_of_fold(job).items()}}


@pytest.fixture
def trained(make_job):
    job = make_job(tasks(*some_texts(60)), [target()])
    job.train()
    return job


def test_each_training_task_is_predicted_without_its_own_label(trained, make_job):
    texts, labels = some_texts(60)
    train = [i for i in range(60) if i % 5]
    assert list(out_of_fold(trained)) == train
    mislabelled = train[3]
    # A task's own label has no part in its prediction.
    other = next(label for label in ("fruit", "sky", "city") if label != labels[mislabelled])
    job = make_job(
        tasks(texts, [other if i == mislabelled else s for i, s in enumerate(labels)]), [target()]
    )
    job.train()

    before, after = out_of_fold(trained)[mislabelled], out_of_fold(job)[mislabelled]
    assert (after["human"], after["predicted"]) == (other, before["predicted"])
    assert not after["correct"]


def test_the_metrics_of_both_splits_are_over_all_labelled_tasks(trained):
    n = {
        (m["split"], m["name"]): m["n"]
        for m in trained.result["metrics"]
        if not m["target"] and m["split"] != "holdout"
    }
    assert n["out_of_fold", "primary"] == 48
    assert n["combined", "primary"] == 60
    low, high = (trained.metric(f"primary_{end}", "", split="combined") for end in ("low", "high"))
    assert 0 < low < trained.metric("primary", "", split="combined") < high <= 1
    assert trained.metric("macro_f1", split="combined") == trained.metric(
        "primary", "", split="combined"
    )


def test_a_version_without_a_mistake_has_no_interval_without_a_width(make_job):
    job = make_job(tasks(*some_texts(60, noise=0)), [target()])
    job.train()

    assert job.metric("primary", "", split="combined") == 1
    low, high = (job.metric(f"primary_{end}", "", split="combined") for end in ("low", "high"))
    assert (low, high) == (pytest.approx(wilson(60, 60)[0]), 1)
    assert low < 0.95


def test_champion_and_candidate_are_compared_out_of_fold_too(make_job, trained):
    champion = champion_of(trained, out_of_fold=stored_outcomes(trained))
    job = make_job(tasks(*some_texts(90)), [target()], champion=champion)

    comparison = job.train()["comparison"]

    # 18 of the holdout, and the champion's 48: the other 24 it has not predicted.
    assert (comparison["n"], comparison["n_out_of_fold"]) == (66, 48)
    assert comparison["targets"]["topic"]["n_out_of_fold"] == 48


def test_the_interval_of_the_primary_metric_is_of_the_holdout_beside_a_champion_too(
    make_job, trained
):
    champion = champion_of(trained, out_of_fold=stored_outcomes(trained))
    alone, beside = (
        make_job(tasks(*some_texts(90)), [target()], **more)
        for more in ({}, {"champion": champion})
    )

    assert alone.train()["primary_interval"] == beside.train()["primary_interval"] is not None
    assert beside.result["comparison"]["n_out_of_fold"] == 48


def test_a_version_that_learned_from_wrong_labels_is_worse_although_the_holdout_is_tiny(
    make_job, trained
):
    texts, labels = some_texts(60, noise=0)
    good = make_job(tasks(texts, labels), [target()])
    good.train()
    topics = ["fruit", "sky", "city"]
    new = [
        task(1000 + i, text, {"topic": topics[(topics.index(label) + 1) % 3]}, "train")
        for i, (text, label) in enumerate(zip(*some_texts(60, seed=5, noise=0), strict=True))
    ]
    champion = champion_of(good, out_of_fold=stored_outcomes(good))
    job = make_job(tasks(texts, labels) + new, [target()], champion=champion)

    comparison = job.train()["comparison"]

    assert comparison["n"] == 60
    assert comparison["difference"] < -0.1
    assert comparison["interval"][1] < 0


def test_the_champions_labels_have_todays_names(make_job, trained):
    texts, labels = some_texts(60)
    renamed = ["town" if label == "city" else label for label in labels]
    champion = champion_of(
        trained, out_of_fold=stored_outcomes(trained), names={"topic": {"city": "town"}}
    )
    job = make_job(
        tasks(texts, renamed), [target(labels=("fruit", "sky", "town"))], champion=champion
    )

    comparison = job.train()["comparison"]

    assert comparison["n_out_of_fold"] == 48
    assert comparison["champion"] == pytest.approx(comparison["candidate"], abs=0.05)


def test_a_large_holdout_is_enough(make_job):
    texts, labels = some_texts(260)
    rows = [
        task(i, text, {"topic": label}, "train" if i < 60 else "holdout")
        for i, (text, label) in enumerate(zip(texts, labels, strict=True))
    ]
    job = make_job(rows, [target()])
    job.train()

    assert not out_of_fold(job)
    assert {m["split"] for m in job.result["metrics"]} == {"holdout"}

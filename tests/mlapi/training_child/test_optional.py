"""Failures in optional parts of a training, without which the run makes its version."""

import signal
import time

import numpy as np
import pytest
from flaml.automl.task.generic_task import GenericTask

from mlapi.label_types import label_metrics
from mlapi.pipelines.classification import automl
from mlapi.pipelines.classification import evaluation as of_classifiers
from mlapi.pipelines.classification.examples import TargetExamples
from mlapi.pipelines.image_clusters import evaluation as of_clusters
from mlapi.pipelines.image_clusters import training as cluster_training
from mlapi.pipelines.text_classification import model as text_model
from mlapi.pipelines.text_classification.model import TextModality
from tests.mlapi.image_files import digits
from tests.mlapi.pipelines.texts import some_texts
from tests.mlapi.training_child.conftest import champion_of, target, tasks
from tests.mlapi.training_child.image_jobs import INPUT, spec


def raising(error):
    def fail(*args, **kwargs):
        raise error

    return fail


class Failing(text_model.LinearCandidate):
    """A linear candidate whose `fit` is another."""

    def __init__(self, fit):
        super().__init__("Failing", text_model.WORD.analyzers)
        self.fit = fit

    def takes_too_long(self, inputs, n_labels):
        return False


class NotNumbers:
    """An estimator whose scores are NaN."""

    def scores(self, inputs):
        return np.full((len(inputs), 3), np.nan)


class OneColumn:
    """An estimator whose scores have a wrong shape."""

    def scores(self, inputs):
        return np.zeros((len(inputs), 1))


def exceed_time(*args):
    """Exceeds the time limit, which is that of the others, too."""
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    time.sleep(60)


FAILURES = {
    "raises": (raising(RuntimeError("no luck")), "Failed: RuntimeError: no luck"),
    "memory": (raising(MemoryError()), "Failed: MemoryError"),
    "nothing": (lambda *args: None, "Failed: It fitted nothing."),
    "nan": (lambda *args: NotNumbers(), "Failed: Some of its scores are no finite numbers."),
    "shape": (lambda *args: OneColumn(), "Failed: Its scores have the shape"),
    "time": (exceed_time, "Failed: It took longer than its 600 s."),
}


@pytest.mark.parametrize(("fit", "note"), FAILURES.values(), ids=FAILURES)
@pytest.mark.parametrize("n", [60, 250], ids=["in folds", "on a fifth"])
def test_a_candidate_that_fails_is_a_row_that_says_so(make_job, monkeypatch, fit, note, n):
    monkeypatch.setattr(TextModality, "candidates", (Failing(fit), text_model.WORD))
    # A quarter of it is each candidate's.
    job = make_job(tasks(*some_texts(n)), [target()], time_limit_s=2_400)

    result = job.train()

    failed, word, *_ = result["candidates"]
    assert failed["note"].startswith(note)
    assert (failed["score"], failed["won"]) == (None, False)
    assert word["won"]
    assert result["recipe"] == text_model.WORD.name
    assert any(f"Failing: not scored in {failed['seconds']:.1f}" in line for line in job.log)


def test_a_best_candidate_that_fails_on_all_examples_leaves_the_place_to_the_next(
    make_job, monkeypatch
):
    fit = text_model.WORD_CHAR.fit

    def fit_some(inputs, *others):
        if len(inputs) == 200:
            raise MemoryError
        return fit(inputs, *others)

    monkeypatch.setattr(TextModality, "candidates", (Failing(fit_some), text_model.WORD))
    monkeypatch.setattr(TargetExamples, "score", lambda self, scores, rows: float(rows.mean()))
    job = make_job(tasks(*some_texts(250)), [target()])

    result = job.train()

    assert result["candidates"][0]["note"] == "Failed when it was refitted: MemoryError"
    assert [c["won"] for c in result["candidates"][:2]] == [False, True]


def test_an_automl_that_finds_no_model_in_its_seconds_is_a_candidate_that_failed(
    make_job, monkeypatch
):
    monkeypatch.setattr(automl, "_LEAST_S", 0.1)
    monkeypatch.setattr(automl, "_WITHIN", 0.0)
    prepare = GenericTask.prepare_data
    # As on a busy machine: its seconds are over before its first trial begins.
    monkeypatch.setattr(
        GenericTask,
        "prepare_data",
        lambda *args, **kwargs: (prepare(*args, **kwargs), time.sleep(0.3)),
    )
    job = make_job(
        tasks(*some_texts(260)), [target()], automl=True, automl_note="", time_budget_s=20
    )

    result = job.train()

    last = result["candidates"][-1]
    assert last["name"] == automl.AUTOML
    assert last["score"] is None
    assert last["note"] == "Failed: It found no model in 0.1 s. Raise the time budget."
    assert result["recipe"] in {c.name for c in TextModality.candidates}


def test_a_metric_that_fails_is_undefined_and_the_others_are_there(make_job, monkeypatch):
    monkeypatch.setattr(label_metrics, "ece", raising(ZeroDivisionError("no bins")))
    odd_labels = raising(ValueError("odd labels"))
    monkeypatch.setattr("sklearn.metrics.precision_recall_fscore_support", odd_labels)
    job = make_job(tasks(*some_texts(60)), [target()])

    job.train()

    assert job.metric("ece") is None
    assert job.metric("primary", "") == job.metric("macro_f1") > 0.5
    assert "The metric ece could not be computed: ZeroDivisionError: no bins" in job.log
    assert "The metrics of each label could not be computed: ValueError: odd labels" in job.log


@pytest.mark.parametrize(
    ("function", "part"), [("metrics", "metrics"), ("outcomes", "outcomes")], ids=str
)
def test_a_part_of_the_evaluation_that_fails_is_left_out(make_job, monkeypatch, function, part):
    monkeypatch.setattr(of_classifiers, function, raising(KeyError("task 7")))
    job = make_job(tasks(*some_texts(60)), [target()])

    result = job.train()

    assert result[part] == []
    assert f"The {part} could not be evaluated: KeyError: 'task 7'" in job.log


@pytest.mark.parametrize("where", ["paired", "predict_champion"])
def test_a_comparison_that_fails_is_none_and_so_promotes_nothing(make_job, monkeypatch, where):
    earlier = make_job(tasks(*some_texts(60)), [target()], number=1)
    earlier.train()
    monkeypatch.setattr(of_classifiers.ClassifierHoldout, where, raising(MemoryError("64 GB")))
    job = make_job(tasks(*some_texts(60)), [target()], champion=champion_of(earlier))

    result = job.train()

    assert result["comparison"] is None
    assert result["metrics"]
    assert "The champion v1-abcdef could not be evaluated: MemoryError: 64 GB" in job.log


@pytest.fixture
def cluster_job(image_job):
    """`cluster_job(...)`: a job for ten clusters of 100 images."""
    files, labels = digits(100)

    def make(**other):
        options = {"cluster": "kind", "clusters": 10}
        spec_ = spec([], control_tag="TextArea")
        return image_job(files, labels, "image_clusters", options, spec_, **other)

    return make


def test_exemplars_that_fail_are_left_out(cluster_job, monkeypatch):
    monkeypatch.setattr(of_clusters, "_exemplars", raising(IndexError("no cluster")))
    job = cluster_job()

    result = job.train()

    assert result["exemplars"] == []
    assert result["outcomes"]
    assert "The exemplars could not be evaluated: IndexError: no cluster" in job.log


@pytest.mark.parametrize("function", ["_previous", "_still_good"])
def test_clusters_of_a_champion_that_fails_are_found_again(cluster_job, monkeypatch, function):
    earlier = cluster_job()
    earlier.train()
    monkeypatch.setattr(cluster_training, function, raising(OSError("cut short")))
    champion = champion_of(
        earlier, pipeline="image_clusters", inputs={"image_clusters": INPUT.settings}
    )
    job = cluster_job(champion=champion)

    result = job.train()

    assert len(result["exemplars"]) == 100
    assert (result["comparison"] is None) == (function == "_previous")
    assert any("could not be evaluated: OSError: cut short" in line for line in job.log)

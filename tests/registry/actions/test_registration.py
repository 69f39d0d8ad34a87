"""Versions are registered whole or not at all, and labelled by their artifact."""

import hashlib

import pytest
from django.db.utils import IntegrityError

from registry import artifacts
from registry.actions import registration, runs
from registry.actions.registration import RunHasVersion
from registry.models import Metric, ModelVersion, Outcome
from registry.training_result import MetricRow
from tests import factories as make

pytestmark = pytest.mark.django_db


def register(run, path, number_hint=None, **found):
    run.parameters = {"pipeline": "text_classification", "fingerprint": "f"}
    return registration.register(run, make.result(path, **found), path, number_hint=number_hint)


@pytest.fixture
def artifact(tmp_path):
    path = tmp_path / "artifact.bin"
    path.write_bytes(b"weights")
    return path


def test_the_label_is_the_number_and_the_start_of_the_artifacts_sha256(artifact):
    run = make.TrainingRunFactory(state="running")
    version = register(run, artifact)
    sha256 = hashlib.sha256(b"weights").hexdigest()
    assert version.label == f"v1-{sha256[:6]}"
    assert version.artifact == f"project-{run.project_id}/{version.label}.artifact"
    assert (version.artifact_bytes, version.artifact_sha256) == (7, sha256)
    assert artifacts.fetch(version).read_bytes() == b"weights"


def test_targets_metrics_and_outcomes_are_stored_with_the_version(artifact):
    run = make.TrainingRunFactory(state="running")
    tasks = [make.TaskFactory(project=run.project, labelled="Positive") for _ in range(3)]
    outcomes = [
        {
            "task": task.pk,
            "target": "label",
            "predicted": "Negative",
            "score": 0.7,
            "human": "Positive",
            "correct": False,
        }
        for task in tasks
    ]
    metrics = [
        *make.METRICS,
        {"target": "label", "name": "log_loss", "value": float("inf"), "n": 3},
    ]
    version = register(run, artifact, outcomes=outcomes, metrics=metrics)
    assert version.targets.get().labels == ["Negative", "Positive"]
    assert version.metrics.get(name="log_loss").value is None
    assert {o.source for o in version.outcomes.all()} == {Outcome.Source.HOLDOUT}
    assert version.outcomes.count() == 3


def test_outcomes_out_of_fold_have_another_source_than_those_of_the_holdout(artifact):
    run = make.TrainingRunFactory(state="running")
    held, learned = (
        {
            "task": make.TaskFactory(project=run.project, labelled="Positive").pk,
            "target": "label",
            "predicted": "Positive",
            "score": 0.7,
            "human": "Positive",
            "correct": True,
        }
        for _ in range(2)
    )
    combined = {"name": "primary", "value": 0.6, "n": 2, "split": "combined"}
    metrics = [*make.METRICS, combined]
    version = register(run, artifact, outcomes=[held], out_of_fold=[learned], metrics=metrics)
    sources = dict(version.outcomes.values_list("task", "source"))
    assert sources == {held["task"]: "holdout", learned["task"]: "out_of_fold"}
    assert version.primary_value != 0.6


def test_a_version_with_a_bad_row_leaves_nothing(artifact):
    run = make.TrainingRunFactory(state="running")
    with pytest.raises(IntegrityError):
        register(run, artifact, metrics=[*make.METRICS, *make.METRICS])
    assert not ModelVersion.objects.exists()
    assert not Metric.objects.exists()


def test_a_run_makes_one_version(artifact):
    run = make.TrainingRunFactory(state="running")
    register(run, artifact)
    with pytest.raises(RunHasVersion):
        register(run, artifact)


def test_a_run_that_was_ended_makes_no_version(artifact):
    run = make.TrainingRunFactory(state="running")
    runs.fail(run, "worker_lost", "gone")
    with pytest.raises(runs.RunNotActive):
        register(run, artifact)


def test_numbers_go_on_after_a_wrong_hint(artifact):
    project = make.ProjectFactory()
    make.ModelVersionFactory(project=project)
    run = make.TrainingRunFactory(project=project, state="running")
    assert register(run, artifact, number_hint=1).number == 2


def test_a_learning_curve_is_added_after_the_run_has_ended():
    version = make.ModelVersionFactory()
    points = [
        MetricRow("learning_curve", value, 40, target="label", step=step)
        for step, value in ((25, 0.5), (50, 0.6))
    ]
    registration.add_metrics(version, points)
    assert version.metrics.filter(name="learning_curve").count() == 2


def test_a_version_stores_its_primary_value_with_n_and_the_mean_of_its_targets_baselines():
    rows = [
        {"name": "primary", "value": 0.7, "n": 60},
        {"target": "a", "name": "baseline_macro_f1", "value": 0.3, "n": 60},
        {"target": "b", "name": "baseline_macro_f1", "value": 0.5, "n": 40},
        {"target": "b", "name": "baseline_macro_f1", "label": "x", "value": 0.9, "n": 40},
        {"target": "b", "name": "baseline_accuracy", "value": 0.9, "n": 40},
    ]
    version = make.ModelVersionFactory(metrics=rows)
    version.refresh_from_db()
    assert (version.primary_value, version.primary_n) == (0.7, 60)
    assert version.primary_baseline == pytest.approx(0.4)


def test_a_version_stores_the_interval_of_its_primary_value(artifact):
    run = make.TrainingRunFactory(state="running")
    version = register(run, artifact, primary_interval=[0.66, 0.9])
    version.refresh_from_db()
    assert version.primary_interval == (0.66, 0.9)
    assert make.ModelVersionFactory().primary_interval is None


def test_a_learning_curve_of_later_changes_no_primary_value():
    version = make.ModelVersionFactory()
    point = MetricRow("learning_curve", 0.2, 40, target="label", step=100)
    registration.add_metrics(version, [point])
    version.refresh_from_db()
    assert (version.primary_value, version.primary_n) == (0.8, 40)


def test_a_version_that_was_not_evaluated_has_no_primary_value():
    version = make.ModelVersionFactory(metrics=[])
    assert (version.primary_value, version.primary_n, version.primary_baseline) == (None, 0, None)


def test_labels_that_differ_only_at_their_far_end_have_metrics_of_their_own():
    version = make.ModelVersionFactory()
    registration.add_metrics(
        version,
        [MetricRow("recall", 0.5, 10, target="label", label="long " * 200 + end) for end in "ab"],
    )
    labels = set(version.metrics.filter(name="recall").values_list("label", flat=True))
    assert len(labels) == 2
    assert all(len(label) <= 500 for label in labels)

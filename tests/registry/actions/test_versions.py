"""Versions: registered whole or not at all, labelled by their artifact, never changed."""

import hashlib
from importlib import import_module

import pytest
from django.db import connection
from django.db.utils import IntegrityError

from registry import artifacts
from registry.actions import runs, versions
from registry.actions.base import StateUnchanged
from registry.actions.versions import ChampionNotArchivable, RunHasVersion
from registry.models import Metric, ModelVersion, Outcome
from registry.training_result import MetricRow
from tests import factories as make

pytestmark = pytest.mark.django_db


def register(run, path, number_hint=None, **found):
    run.parameters = {"pipeline": "text_classification", "fingerprint": "f"}
    return versions.register(run, make.result(path, **found), path, number_hint=number_hint)


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
    versions.add_metrics(version, points)
    assert version.metrics.filter(name="learning_curve").count() == 2


def test_the_champion_cannot_be_archived():
    version = make.ModelVersionFactory(champion=True)
    with pytest.raises(ChampionNotArchivable):
        versions.archive(version, actor="ada", reason="r")


def test_a_version_is_archived_once_and_taken_out_once():
    version = make.ModelVersionFactory()
    versions.archive(version, actor="ada", reason="r")
    with pytest.raises(StateUnchanged):
        versions.archive(version, actor="ada", reason="r")
    versions.unarchive(version, actor="ada", reason="r")
    with pytest.raises(StateUnchanged):
        versions.unarchive(version, actor="ada", reason="r")


def test_a_failed_load_is_cleared_only_when_the_artifact_is_back():
    version = make.ModelVersionFactory()
    path = artifacts.fetch(version)
    content = path.read_bytes()
    path.write_bytes(b"rotten")
    versions.mark_load_failed(version, "corrupt")
    with pytest.raises(artifacts.ArtifactCorrupt):
        versions.clear_load_failure(version, actor="ada", reason="r")
    path.write_bytes(content)
    versions.clear_load_failure(version, actor="ada", reason="restored")
    version.refresh_from_db()
    assert version.load_failed_at is None


@pytest.mark.parametrize(
    "change",
    [
        "number = 99",
        "label = 'v1-000000'",
        "artifact = 'elsewhere'",
        "artifact_sha256 = '0'",
        "artifact_bytes = 1",
        "run_id = NULL",
        "pipeline = 'other'",
        "recipe = 'other'",
        "fingerprint = ''",
        "environment = '{}'",
        "extractor = 'other'",
        "primary_metric = 'other'",
        "primary_value = 0.9",
        "primary_n = 1",
        "primary_low = 0",
        "primary_high = 1",
        "primary_baseline = 0.1",
        "project_id = project_id + 1",
    ],
)
def test_the_database_refuses_to_change_what_identifies_a_version(change):
    make.ModelVersionFactory()
    with pytest.raises(IntegrityError, match="immutable"), connection.cursor() as cursor:
        cursor.execute(f"UPDATE registry_modelversion SET {change}")


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
    versions.add_metrics(version, [point])
    version.refresh_from_db()
    assert (version.primary_value, version.primary_n) == (0.8, 40)


def test_a_version_that_was_not_evaluated_has_no_primary_value():
    version = make.ModelVersionFactory(metrics=[])
    assert (version.primary_value, version.primary_n, version.primary_baseline) == (None, 0, None)


def test_versions_of_before_get_their_primary_values_from_their_metrics():
    migration = import_module("registry.migrations.0010_primary_values")
    grouped = [
        {"name": "primary", "value": 0.7, "n": 12},
        {"target": "label", "name": "baseline_adjusted_rand", "value": 0.0, "n": 12},
        {"target": "label", "name": "baseline_macro_f1", "value": 0.5, "n": 12},
    ]
    for more in ({}, {"metrics": []}, {"metrics": grouped, "primary_metric": "adjusted_rand"}):
        make.ModelVersionFactory(**more)
    fields = ("pk", "primary_value", "primary_n", "primary_baseline")
    registered = list(ModelVersion.objects.order_by("pk").values_list(*fields))
    empty = "UPDATE registry_modelversion SET primary_value = NULL, primary_n = 0, "
    with connection.cursor() as cursor:
        cursor.execute(migration.BEFORE)
        cursor.execute(f"{empty} primary_baseline = NULL")
        cursor.execute(migration.FILL)
        cursor.execute(migration.NOW)
    assert list(ModelVersion.objects.order_by("pk").values_list(*fields)) == registered
    assert registered[2][1:] == (0.7, 12, 0.0)
    with pytest.raises(IntegrityError, match="immutable"), connection.cursor() as cursor:
        cursor.execute("UPDATE registry_modelversion SET primary_value = 1")


def test_the_database_refuses_to_delete_a_version():
    make.ModelVersionFactory()
    with pytest.raises(IntegrityError, match="append-only"), connection.cursor() as cursor:
        cursor.execute("DELETE FROM registry_modelversion")


def test_labels_that_differ_only_at_their_far_end_have_metrics_of_their_own():
    version = make.ModelVersionFactory()
    versions.add_metrics(
        version,
        [MetricRow("recall", 0.5, 10, target="label", label="long " * 200 + end) for end in "ab"],
    )
    labels = set(version.metrics.filter(name="recall").values_list("label", flat=True))
    assert len(labels) == 2
    assert all(len(label) <= 500 for label in labels)

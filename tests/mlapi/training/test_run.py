"""A run from claim to promotion, with a small real program in the child's place."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from django.conf import settings

from mlapi.child_process import folder
from mlapi.texts.preparation import TextPreparation
from mlapi.training.run import carry_out
from registry import artifacts
from registry.actions import champion, runs
from registry.models import AuditEntry
from tests.factories import ModelVersionFactory, promote

from .projects import label, small_programs
from .runs import GENEROUS_LIMITS, BackgroundRun, finished_run, queued_run

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("no_folder_is_left"),
]


def test_the_first_version_becomes_champion(project):
    run = finished_run(project)
    project.refresh_from_db()
    version = run.version
    assert run.state == "succeeded"
    assert project.champion == version
    assert version.label.startswith("v1-")
    assert version.fingerprint == project.fingerprint
    assert artifacts.fetch(version).read_text() == json.dumps([run.pk, "Positive"])
    assert [t.name for t in version.targets.all()] == ["label"]
    assert version.metrics.filter(name="primary").exists()
    holdout = run.dataset_counts["holdout"]
    assert version.outcomes.count() == holdout > 0
    assert AuditEntry.objects.get(project=project, verb="promote").run == run


def test_the_run_records_what_it_did(project):
    run = finished_run(project)
    assert run.worker == "worker@test"
    assert run.candidates[0]["name"] == "majority"
    assert run.statements == [{"sql": "SELECT 1", "seconds": 0.01, "rows": 60}]
    assert "fitting a majority vote" in run.log
    phases = [p["name"] for p in run.phases]
    assert [name for name in phases if name != TextPreparation.phase] == [  # with an encoder
        "reading labels",
        "freezing the dataset",
        "starting the training",
        "fitting",
        "verifying",
        "registering",
    ]
    assert all(p["seconds"] is not None for p in run.phases)
    assert run.progress == 1
    assert run.snapshot_at and len(run.dataset_fingerprint) == 64
    assert run.parameters["fingerprint"] == project.fingerprint
    assert run.parameters["time_budget_s"] == settings.TRAIN_TIME_BUDGET_S


def test_the_learning_curve_comes_after_the_run(project):
    run = finished_run(project)
    assert run.version.metrics.get(name="learning_curve").step == 10


@pytest.mark.parametrize("curve", ["refuse", "kill_itself"])
def test_a_failed_learning_curve_hurts_nothing(project, curve):
    run = finished_run(project, curve=curve)
    assert run.state == "succeeded"
    assert "No learning curve: Child" in run.log
    assert not run.version.metrics.filter(name="learning_curve").exists()


def test_the_second_version_is_compared_with_the_champion(project):
    first = finished_run(project).version
    label(project, {"Positive": 5}, first_id=1000)
    run = finished_run(project)
    project.refresh_from_db()
    assert run.comparison["champion_label"] == first.label
    assert run.version.number == 2
    assert project.champion == run.version  # fewer than 30 in the holdout: not compared


def test_a_comparison_with_a_former_champion_promotes_nothing(project):
    first = finished_run(project).version
    other = ModelVersionFactory(project=project)
    run = queued_run(project)
    with BackgroundRun(run, train="hang") as elsewhere:
        elsewhere.pids()
        assert json.loads((folder.home() / f"run-{run.pk}" / "job.json").read_text())["champion"][
            "label"
        ] == (first.label)
        runs.cancel(run.pk, actor="tester")
    promote(other)
    assert champion.apply_promotion_rule(first, {"champion_label": first.label, "n": 99}) is False


def test_the_child_knows_no_secret(project):
    known = set(finished_run(project).version.environment["variables"].split())
    assert not known & {"DATABASE_URL", "SECRET_KEY", "DATA_DIR", "DJANGO_SETTINGS_MODULE"}


def test_a_version_that_does_not_load_is_stored_and_never_serves(project):
    first = finished_run(project).version
    run = finished_run(project, verify="refuse_artifact")
    project.refresh_from_db()
    assert (run.state, run.error_code) == ("failed", "load_failed")
    assert run.version.load_failed_at
    assert "it does not load" in run.version.load_error
    assert project.champion == first


def test_the_check_reads_what_the_store_has(project):
    paths = []
    usual = small_programs()

    def verify(folder: Path, artifact: Path, sha256: str):
        paths.append(artifact)
        return usual.verify(folder, artifact, sha256)

    run = carry_out(
        queued_run(project).pk,
        "worker@test",
        programs=replace(usual, verify=verify),
        limits=GENEROUS_LIMITS,
    )
    assert paths == [artifacts.fetch(run.version)]


def test_a_run_is_carried_out_once(project):
    run = queued_run(project)
    assert runs.claim(run.pk, "another worker")
    assert carry_out(run.pk, "worker@test", programs=small_programs()) is None

"""The challenger of a new version: EvaDB's AutoML, in a run of its own that ends no other."""

import pytest

from mlapi import jobs
from mlapi.training import policy
from mlapi.training.run import carry_out, challenge
from registry.actions import run_starts
from registry.models import AuditEntry, Project, TrainingRun
from registry.models.run import RunKind
from tests.factories import ModelVersionFactory, TrainingRunFactory, promote

from .projects import label, labelled_project, small_programs
from .runs import BackgroundRun, wait_for

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def project():
    return labelled_project({"Positive": 150, "Negative": 150})


def trained(project: Project) -> TrainingRun:
    run, _ = run_starts.start(project, trigger=TrainingRun.Trigger.ADMIN, actor="tester")
    return carry_out(run.pk, "worker@test", programs=small_programs())


def finished_challenger(project: Project, behaviour: str) -> TrainingRun:
    """The challenger of the project's training, whose child behaves so."""
    run = challenge(trained(project))
    return carry_out(run.pk, "worker@test", programs=small_programs(behaviour))


def test_a_training_that_made_a_version_is_challenged(project):
    run = trained(project)
    assert run.version == Project.objects.get(pk=project.pk).champion
    assert run.parameters["automl"] is False
    challenger = challenge(run)
    assert (challenger.kind, challenger.state) == (RunKind.CHALLENGER, "queued")


def test_a_training_without_a_version_is_not(project):
    run, _ = run_starts.start(project, trigger=TrainingRun.Trigger.ADMIN, actor="tester")
    assert (
        challenge(carry_out(run.pk, "worker@test", programs=small_programs("kill_itself"))) is None
    )


def test_a_challenger_without_a_win_ends_without_a_version(project):
    run = finished_challenger(project, "learn")
    assert (run.state, run.error) == ("succeeded", "")
    assert not hasattr(run, "version")
    assert run.candidates
    assert "no version is registered" in run.log
    assert project.versions.count() == 1


@pytest.mark.parametrize(
    ("behaviour", "is_better"), [("beat_champion", True), ("equal_champion", False)]
)
def test_a_challenger_is_promoted_only_if_it_is_better(project, behaviour, is_better):
    run = finished_challenger(project, behaviour)
    assert run.state == "succeeded"
    assert (Project.objects.get(pk=project.pk).champion == run.version) is is_better
    entry = AuditEntry.objects.get(run=run, verb="promote" if is_better else "keep")
    assert entry.numbers["clause"] == ("better" if is_better else "not_better")


def test_a_challenger_of_a_former_champion_is_queued_again(project):
    other = ModelVersionFactory(project=project)
    run = challenge(trained(project))
    with BackgroundRun(run, train="beat_champion_on_signal") as elsewhere:
        elsewhere.pids()
        promote(other)
        elsewhere.pids_file.with_name("go-on").touch()
    assert (run.state, run.error_code) == ("failed", "champion_moved")
    assert not hasattr(run, "version")
    again = TrainingRun.objects.get(retry_of=run)
    assert (again.kind, again.state) == (RunKind.CHALLENGER, "queued")


def test_a_training_that_starts_ends_the_challenger(project):
    run = challenge(trained(project))
    with BackgroundRun(run, train="hang") as elsewhere:
        elsewhere.pids()
        training, started = run_starts.start(project, trigger=TrainingRun.Trigger.POLICY)
        wait_for(lambda: TrainingRun.objects.get(pk=run.pk).state == "cancelled")
    assert started
    assert "A training has begun" in run.log
    assert training.state == "queued"


def test_a_challenger_keeps_no_training_waiting(project):
    """The policy, and whoever asks whether the project trains, don't see it."""
    challenge(trained(project))
    label(project, {"Positive": 30, "Negative": 30}, first_id=1000)
    assert policy.decide(project, project.labels_changed_at).state == "quiet"
    assert TrainingRunFactory(project=project).kind == RunKind.TRAINING


def test_the_job_queues_the_challenger(project, monkeypatch):
    monkeypatch.setattr("mlapi.training.run.Programs", small_programs)
    run, _ = run_starts.start(project, trigger=TrainingRun.Trigger.ADMIN, actor="tester")
    jobs.train(run.pk)
    assert project.runs.get(kind=RunKind.CHALLENGER).actor == f"run {run.pk}"

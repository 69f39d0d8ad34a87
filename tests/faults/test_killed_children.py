"""Child processes that are killed from outside: nothing is held against the version."""

import pytest

from mlapi import jobs
from mlapi.child_process.supervise import ChildKilled, Limits
from mlapi.conversion.converting import convert
from mlapi.training.load_check import loads_in_a_fresh_process
from mlapi.training.run import carry_out
from registry.actions import run_starts, runs
from registry.models import AuditEntry, ModelVersion, Project, TrainingRun
from tests.factories import LABEL_CONFIG, ModelVersionFactory, ProjectFactory
from tests.faults.killing import killed
from tests.mlapi.conversion.old_artifacts import OldArtifact
from tests.mlapi.trained import artifact
from tests.mlapi.training.projects import labelled_project, small_programs

pytestmark = pytest.mark.django_db(transaction=True)
LOAD_CHECK = "mlapi.training.load_check_child"
CONVERSION = "mlapi.conversion.child"


@pytest.fixture
def project() -> Project:
    return labelled_project({"Positive": 35, "Negative": 25})


def finished_run(
    project: Project, run: TrainingRun | None = None, **behaviours: str
) -> TrainingRun:
    if run is None:
        run, _ = run_starts.start(project, trigger=TrainingRun.Trigger.POLICY)
    programs = small_programs(**behaviours)
    ended = carry_out(
        run.pk, "worker@test", programs=programs, limits=Limits(seconds=600, memory_mb=4096)
    )
    assert ended is not None
    return ended


@pytest.mark.parametrize("killed_one", ["train", "verify"])
def test_a_killed_process_fails_its_run_which_is_tried_once_more(project, killed_one):
    first = finished_run(project)
    run = finished_run(project, **{killed_one: "kill_itself"})
    assert (run.state, run.error_code) == ("failed", "child_crashed")
    assert "signal 9" in run.error
    again = TrainingRun.objects.get(retry_of=run)
    assert (again.state, again.trigger, again.actor) == ("queued", "retry", "worker")
    assert AuditEntry.objects.get(run=again).reason == run.error
    # What is killed twice is not tried a third time.
    assert finished_run(project, again, **{killed_one: "kill_itself"}).state == "failed"
    assert not TrainingRun.objects.filter(project=project, state="queued").exists()
    project.refresh_from_db()
    assert project.champion == first.version
    assert not ModelVersion.objects.filter(load_failed_at__isnull=False).exists()


def test_the_second_attempt_makes_the_version(project):
    run = finished_run(project, verify="kill_itself")
    again = finished_run(project, TrainingRun.objects.get(retry_of=run))
    assert again.state == "succeeded"
    project.refresh_from_db()
    assert project.champion == again.version


def test_a_cancelled_run_is_not_tried_again(project):
    run, _ = run_starts.start(project, trigger=TrainingRun.Trigger.POLICY)
    claimed = runs.claim(run.pk, "worker@test")
    runs.cancel(run.pk, actor="ada")
    runs.finish_cancel(claimed)
    assert run_starts.retry_once(claimed) is None
    assert TrainingRun.objects.count() == 1


def test_a_load_check_that_is_killed_once_is_repeated(project):
    version = ModelVersionFactory(project=project, content=artifact(), champion=True)
    with killed(LOAD_CHECK, times=1):
        assert loads_in_a_fresh_process(version)


def test_a_champion_whose_load_check_is_killed_stays(project):
    version = ModelVersionFactory(project=project, content=artifact(), champion=True)
    with killed(LOAD_CHECK, times=2), pytest.raises(ChildKilled):
        jobs.fall_back(project.pk, version.pk, "MemoryError")
    project.refresh_from_db()
    version.refresh_from_db()
    assert project.champion == version
    assert version.load_failed_at is None


def test_a_version_whose_conversion_is_killed_is_converted_by_the_next():
    config = LABEL_CONFIG.replace('name="label"', 'name="topic"')
    old = OldArtifact("text_classification.words")
    version = ModelVersionFactory(
        project=ProjectFactory(label_config=config),
        content=old.content,
        artifact_format=1,
        champion=True,
    )
    with killed(CONVERSION, times=2), pytest.raises(ChildKilled):
        jobs.convert(version.pk)
    version.refresh_from_db()
    assert version.load_failed_at is None
    assert not TrainingRun.objects.filter(trigger="format").exists()
    with killed(CONVERSION, times=1):
        assert convert(version)

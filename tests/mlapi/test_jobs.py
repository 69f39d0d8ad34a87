"""The django-q entry points, called as a worker calls them."""

import pytest
from django.conf import settings
from django.utils.module_loading import import_string

from mlapi import jobs
from registry import artifacts, queue
from registry.actions import events, projects, run_starts
from registry.models import AuditEntry, TrainingRun
from tests.factories import ModelVersionFactory, promote
from tests.mlapi.trained import artifact
from tests.mlapi.training.projects import label, labelled_project, small_programs

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("forked_trainings"),
]


def train(project):
    run, _ = run_starts.start(project, trigger=TrainingRun.Trigger.ADMIN, actor="tester")
    jobs.train(run.pk)
    run.refresh_from_db()
    return run


@pytest.mark.parametrize("name", ["process_events", "sync", "train", "fall_back"])
def test_every_job_that_the_registry_queues_exists(name):
    assert callable(getattr(queue, name))
    assert callable(import_string(f"mlapi.jobs.{name}"))


def test_a_champion_that_is_broken_falls_back_to_the_newest_that_loads():
    project = labelled_project({"Positive": 15, "Negative": 5})
    good, middle, newest = (
        ModelVersionFactory(project=project, content=artifact(temperature))
        for temperature in (0.5, 1.0, 2.0)
    )
    promote(newest)
    (settings.DATA_DIR / "artifacts" / middle.artifact).unlink()
    broken = artifacts.fetch(newest)
    broken.write_bytes(b"no longer what it was")
    jobs.fall_back(project.pk, newest.pk, "The artifact is not the file that was stored.")
    project.refresh_from_db()
    assert project.champion == good
    for version in (middle, newest):
        version.refresh_from_db()
        assert version.load_failed_at
    entry = AuditEntry.objects.get(project=project, verb="fall_back")
    assert (entry.actor, entry.from_version, entry.to_version) == ("serving", newest, good)


def test_a_champion_that_loads_in_a_worker_stays_though_it_failed_in_one_process():
    project = labelled_project({"Positive": 15, "Negative": 5})
    version = ModelVersionFactory(project=project, content=artifact(), champion=True)
    for _ in range(2):
        jobs.fall_back(project.pk, version.pk, "v1 does not load: OSError: disk full")
    project.refresh_from_db()
    version.refresh_from_db()
    assert project.champion == version and version.load_failed_at is None
    (entry,) = AuditEntry.objects.filter(project=project, verb="keep", actor="serving")
    assert "disk full" in entry.reason


def test_an_event_that_makes_a_training_due_queues_its_run():
    project = labelled_project({"Positive": 15, "Negative": 15}, policy={"quiet_s": 0})
    event = events.record(project, "TASKS_DELETED", {"tasks": [{"id": 1}]})
    jobs.process_events(project.pk)
    event.refresh_from_db()
    assert event.status == "applied"
    run = TrainingRun.objects.get(project=project)
    assert (run.trigger, run.state) == (TrainingRun.Trigger.POLICY, "queued")


def test_labels_that_changed_while_it_trained_count_for_the_next_run(monkeypatch):
    project = labelled_project({"Positive": 35, "Negative": 25}, policy={"quiet_s": 0})
    freeze = import_string("mlapi.training.dataset.freeze")

    def freeze_and_go_on_labelling(*arguments, **options):
        frozen = freeze(*arguments, **options)
        label(project, {"Positive": 10}, first_id=500)
        return frozen

    monkeypatch.setattr("mlapi.training.dataset.freeze", freeze_and_go_on_labelling)
    monkeypatch.setattr("mlapi.training.run.Programs", lambda: small_programs())
    run = train(project)
    assert run.dataset_counts["tasks"] == 60
    following = TrainingRun.objects.get(project=project, state="queued")
    assert following.trigger == TrainingRun.Trigger.POLICY


def test_a_job_for_what_is_gone_does_nothing():
    jobs.train(12345)
    jobs.sync(12345, "a test")


def test_after_an_unexpected_error_a_sync_can_be_queued_again(monkeypatch):
    def fails(*_, **__):
        raise RuntimeError("unforeseen")

    project = labelled_project({"Positive": 1})
    projects.request_sync(project, "a test")
    monkeypatch.setattr("mlapi.mirror.sync.open_project", fails)
    with pytest.raises(RuntimeError):
        jobs.sync(project.pk, "a test")
    assert projects.request_sync(project, "a test")

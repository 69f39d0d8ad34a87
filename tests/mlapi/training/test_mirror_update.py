"""The mirror as a run finds it: what could not be read of Label Studio, and what the run says."""

import threading
from contextlib import contextmanager

import pytest
from django.db import connection
from django.utils import timezone

from mlapi.locks import EVENTS
from mlapi.training import mirror_update
from mlapi.training.run import carry_out
from registry.actions import project_settings, runs
from registry.error_codes import CODES
from registry.models import Project, TrainingRun
from tests.mlapi.labelstudio.webhooks import annotated
from tests.mlapi.labelstudio_api import UID, LabelStudioAPI
from tests.mlapi.mirror.processing import receive

from .projects import labelled_project, small_programs
from .runs import GENEROUS_LIMITS, BackgroundRun, finished_run, queued_run, wait_for

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("no_folder_is_left"),
]


def test_start_training_without_credentials_learns_from_the_mirror(project):
    run = queued_run(project, trigger=TrainingRun.Trigger.START_TRAINING)
    run = carry_out(run.pk, "worker@test", programs=small_programs(), limits=GENEROUS_LIMITS)
    assert run.state == "succeeded"
    assert "Reading from Label Studio failed" in run.log


def test_a_run_that_could_not_read_label_studio_says_so_with_the_cure():
    project = labelled_project({})
    Project.objects.filter(pk=project.pk).update(uid=UID)
    with LabelStudioAPI(project.label_config) as api:
        project_settings.set_credentials(project, api.url, "a-token", actor="test")
        api.add({"text": "good"}, "Positive")
        unread = ("/api/projects/1/export", "/api/tasks")
        api.gateway = lambda call: (504, b"") if call.path in unread else None
        run = finished_run(project)
    assert (run.state, run.error_code) == ("failed", "labelstudio_server_error")
    assert "504" in run.error
    assert "No task has a usable label" in run.error
    assert run.hint == CODES["labelstudio_server_error"].hint
    assert "Label some tasks" not in run.hint


@pytest.mark.parametrize(
    ("step", "cause", "code"),
    [
        ("reach", "labelstudio_unreachable", "labelstudio_unreachable"),
        ("export", "", "labels_unread"),  # of a check by an earlier release
        ("webhook", "labelstudio_rejected", "no_labels"),
        (None, "", "no_labels"),
    ],
)
def test_a_run_after_a_sync_that_could_not_read_says_so(step, cause, code):
    project = labelled_project({})
    report = {"step": step, "ok": step is None, "detail": "It answered 504.", "cure": "Ask again."}
    report["code"] = cause
    connection = {"ok": step is None, "failed": step, "steps": [report]}
    Project.objects.filter(pk=project.pk).update(synced_at=timezone.now(), connection=connection)
    run = finished_run(project)
    assert (run.state, run.error_code) == ("failed", code)
    assert ("It answered 504. No task" in run.error) == (code != "no_labels")
    assert (run.hint == "Ask again.") == (code != "no_labels")


@pytest.fixture
def unapplied():
    """A project whose labels are all in events that have been received."""
    project = labelled_project({})
    for number in range(60):
        payload = annotated(1_000 + number, 1 + number, ("Positive", "Negative")[number % 2])
        receive(project, "ANNOTATION_CREATED", payload)
    return project


def test_a_run_waits_for_the_process_that_applies_its_events(unapplied):
    with applied_elsewhere(unapplied) as session:
        threading.Timer(1, session.close).start()
        run = finished_run(unapplied)
    assert (run.state, run.error) == ("succeeded", "")
    assert run.dataset_counts["tasks"] == 60


def test_a_run_that_waited_too_long_for_its_events_says_so(unapplied, monkeypatch):
    monkeypatch.setattr(mirror_update, "_BUSY_S", 0.1)
    with applied_elsewhere(unapplied):
        run = finished_run(unapplied)
    assert (run.state, run.error_code) == ("failed", "labels_unread")
    assert "Its events are being applied by another process" in run.error
    assert run.hint == "Start the training again when they have been applied."


def test_a_run_that_waits_for_its_events_is_cancelled(unapplied, monkeypatch):
    monkeypatch.setattr(mirror_update, "_BUSY_S", 3_600)
    run = queued_run(unapplied)
    with applied_elsewhere(unapplied), BackgroundRun(run):
        wait_for(lambda: TrainingRun.objects.get(pk=run.pk).state == "running")
        runs.cancel(run.pk, actor="tester")
    assert run.state == "cancelled"


@contextmanager
def applied_elsewhere(project):
    """Another session of PostgreSQL, which holds the lock of who applies the project's events."""
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s, %s)", [EVENTS, project.pk])
        yield other.connection
    finally:
        other.close()


@pytest.mark.parametrize("what", ["process_pending_events", "sync"])
def test_a_failure_without_a_code_is_the_reason_too(monkeypatch, what):
    """The run's error has the failure, rather than that more labels are needed."""

    def fail(*_, **__):
        raise RuntimeError("disk full")

    monkeypatch.setattr(f"mlapi.training.mirror_update.{what}", fail)
    run = queued_run(labelled_project({}), trigger=TrainingRun.Trigger.START_TRAINING)
    run = carry_out(run.pk, "worker@test", programs=small_programs(), limits=GENEROUS_LIMITS)
    assert (run.state, run.error_code) == ("failed", "labels_unread")
    assert "RuntimeError: disk full" in run.error
    assert run.hint == "See the worker's log."


def test_a_run_while_label_studio_is_still_being_read_says_how_far_it_was(project):
    Project.objects.filter(pk=project.pk).update(reading={"after": 60, "read": 60, "of": 9_000})
    run = finished_run(project)
    assert run.state == "succeeded"
    assert run.dataset_counts["read_so_far"] == {"read": 60, "of": 9_000}
    assert "60 of 9,000 tasks have been read from Label Studio so far" in run.log

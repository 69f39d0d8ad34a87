"""Runs that make no version: cancelled, failed, over a limit, or ended with their worker."""

import os
import threading

import psutil
import pytest

from mlapi.child_process import supervise
from mlapi.child_process.supervise import Limits
from mlapi.training import heartbeat, mirror_update
from mlapi.training.run import carry_out
from mlapi.worker import shutdown_requested
from registry.actions import runs
from registry.models import ModelVersion, Project, TrainingRun

from .projects import labelled_project, small_programs
from .runs import BackgroundRun, finished_run, is_running, queued_run, wait_for

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("no_folder_is_left"),
]


def test_cancel_ends_the_run_and_its_processes(project):
    run = queued_run(project)
    with BackgroundRun(run, train="hang") as elsewhere:
        pids = elsewhere.pids()
        runs.cancel(run.pk, actor="tester")
        wait_for(lambda: TrainingRun.objects.get(pk=run.pk).state == "cancelled")
    wait_for(lambda: not any(map(is_running, pids)))
    assert not ModelVersion.objects.filter(project=project).exists()


def test_a_cancel_waits_for_less_than_two_seconds():
    """The time is a heartbeat, a poll, and the grace period of a program that ignores SIGTERM."""
    assert heartbeat._BEAT_S + supervise._POLL_S + supervise._TERM_GRACE_S < 2


def test_a_cancel_while_the_mirror_is_read_takes_effect_at_once(project, monkeypatch):
    """The row is cancelled during the reading."""
    may_end = threading.Event()
    monkeypatch.setattr(mirror_update, "bring_up_to_date", lambda *_: may_end.wait(60))
    run = queued_run(project)
    with BackgroundRun(run):
        wait_for(lambda: TrainingRun.objects.get(pk=run.pk).state == "running")
        runs.cancel(run.pk, actor="tester")
        wait_for(lambda: TrainingRun.objects.get(pk=run.pk).state == "cancelled")
        may_end.set()
    assert run.state == "cancelled"
    assert not run.dataset_file or not ModelVersion.objects.filter(project=project).exists()


@pytest.mark.parametrize(
    ("behaviour", "code", "message"),
    [
        ("kill_itself", "child_crashed", "signal 9"),
        ("break_off", "child_crashed", "status 3"),
        ("refuse", "one_class", "Only one class."),
    ],
)
def test_a_child_that_fails_fails_the_run_with_its_reason(project, behaviour, code, message):
    run = finished_run(project, train=behaviour)
    assert (run.state, run.error_code) == ("failed", code)
    assert message in run.error
    assert run.hint
    project.refresh_from_db()
    assert project.champion is None


def test_a_result_of_another_shape_makes_no_version(project):
    run = finished_run(project, train="rename_result_field")
    assert (run.state, run.error_code) == ("failed", "run_file_invalid")
    assert "result.json has an unknown field 'main_metric'" in run.error
    assert run.hint
    assert not ModelVersion.objects.filter(project=project).exists()


def test_a_child_killed_from_outside_fails_the_run(project):
    run = queued_run(project)
    with BackgroundRun(run, train="hang") as elsewhere:
        os.kill(elsewhere.pids()[0], 9)
    assert (run.state, run.error_code) == ("failed", "child_crashed")
    assert "signal 9" in run.error


@pytest.mark.parametrize(
    ("behaviour", "limits", "code"),
    [
        ("hang", Limits(seconds=2, memory_mb=4096), "time_limit"),
        ("exhaust_memory", Limits(seconds=600, memory_mb=200), "memory_limit"),
    ],
)
def test_a_run_over_its_limit_is_ended(project, behaviour, limits, code):
    run = finished_run(project, limits, train=behaviour)
    assert (run.state, run.error_code) == ("failed", code)


def test_a_run_without_labels_says_so():
    run = finished_run(labelled_project({}))
    assert (run.state, run.error_code) == ("failed", "no_labels")


def test_a_config_that_cannot_be_served_says_so(project):
    config = '<View><Image name="i" value="$i"/></View>'
    Project.objects.filter(pk=project.pk).update(label_config=config)
    run = finished_run(project)
    assert (run.state, run.error_code) == ("failed", "not_served")


def test_a_reaped_run_writes_nothing_more(project):
    run = queued_run(project)
    with BackgroundRun(run, train="hang") as elsewhere:
        elsewhere.pids()
        taken = TrainingRun.objects.get(pk=run.pk)
        runs.fail(taken, "worker_lost", "as the reaper does")
    assert run.error_code == "worker_lost"


def test_a_stopped_worker_hands_its_run_back(project):
    run = queued_run(project)
    try:
        with BackgroundRun(run, train="hang") as elsewhere:
            elsewhere.pids()
            shutdown_requested.set()
    finally:
        shutdown_requested.clear()
    assert (run.state, run.error_code) == ("failed", "worker_stopped")
    again = TrainingRun.objects.get(project=project, state="queued")
    assert again.retry_of == run


def test_a_stopped_worker_cancels_a_run_whose_cancellation_it_has_not_noticed(project, monkeypatch):
    monkeypatch.setattr(heartbeat, "_BEAT_S", 600.0)
    run = queued_run(project)
    try:
        with BackgroundRun(run, train="hang") as elsewhere:
            elsewhere.pids()
            runs.cancel(run.pk, actor="tester")
            shutdown_requested.set()
    finally:
        shutdown_requested.clear()
    assert run.state == "cancelled"
    assert not TrainingRun.objects.filter(retry_of=run).exists()


def test_a_stopped_worker_does_not_wait_for_the_learning_curve(project):
    run = queued_run(project)
    try:
        with BackgroundRun(run, curve="hang") as elsewhere:
            pids = elsewhere.pids()
            shutdown_requested.set()
    finally:
        shutdown_requested.clear()
    assert run.state == "succeeded"
    wait_for(lambda: not any(map(psutil.pid_exists, pids)))


def test_a_worker_that_stops_takes_no_run(project):
    run = queued_run(project)
    shutdown_requested.set()
    try:
        assert carry_out(run.pk, "worker@test", programs=small_programs()) is None
    finally:
        shutdown_requested.clear()
    run.refresh_from_db()
    assert run.state == "queued"

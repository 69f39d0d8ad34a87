"""Heartbeats of workers, and what becomes of the runs of a lost one."""

from datetime import timedelta

import pytest
from django.utils import timezone

from registry.actions import run_starts, runs, workers
from registry.models import TrainingRun, Worker
from registry.models.run import RunState
from tests import factories as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def stopped_clock(monkeypatch):
    """A slow test makes no heartbeat older."""
    now = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now)


def stop_heartbeat(run, seconds_ago):
    """Sets the age of the run's last heartbeat."""
    last = timezone.now() - timedelta(seconds=seconds_ago)
    TrainingRun.objects.filter(pk=run.pk).update(heartbeat_at=last)


def test_a_worker_has_one_row_for_each_cluster_and_machine():
    workers.record_heartbeat("events", "a")
    first = Worker.objects.get().heartbeat_at
    workers.record_heartbeat("events", "a")
    workers.record_heartbeat("training", "a")
    assert Worker.objects.count() == 2
    assert Worker.objects.get(cluster="events").heartbeat_at > first


def test_a_run_without_a_heartbeat_is_failed_and_queued_once_more():
    run = make.TrainingRunFactory(state="running")
    stop_heartbeat(run, 61)
    assert workers.fail_lost_runs() == [run]
    run.refresh_from_db()
    assert (run.state, run.error_code) == (RunState.FAILED, "worker_lost")
    again = TrainingRun.objects.get(retry_of=run)
    assert again.state == RunState.QUEUED

    claimed = runs.claim(again.pk, "w")
    stop_heartbeat(claimed, 61)
    assert workers.fail_lost_runs() == [again]
    assert not TrainingRun.objects.filter(retry_of=again).exists()
    assert workers.fail_lost_runs() == []


def test_a_run_with_a_heartbeat_within_the_last_minute_is_left_alone(stopped_clock):
    run = make.TrainingRunFactory(state="running")
    stop_heartbeat(run, 59)
    make.TrainingRunFactory()
    assert workers.fail_lost_runs() == []


def test_a_lost_run_that_was_to_be_cancelled_is_cancelled():
    run = make.TrainingRunFactory(state="running")
    runs.record_heartbeat(run, phase="training")
    runs.cancel(run.pk, actor="ada")
    stop_heartbeat(run, 61)
    workers.fail_lost_runs()
    run.refresh_from_db()
    assert run.state == RunState.CANCELLED
    assert run.phases[-1]["seconds"] is not None
    assert TrainingRun.objects.count() == 1


def test_a_lost_run_is_cancelled_also_where_that_was_requested_since_it_was_read():
    run = make.TrainingRunFactory(state="running")
    stop_heartbeat(run, 61)

    def cancel(_: str) -> bool:
        runs.cancel(run.pk, actor="ada")
        return False

    assert workers.fail_lost_runs(cancel) == [run]
    run.refresh_from_db()
    assert run.state == RunState.CANCELLED
    assert not TrainingRun.objects.filter(retry_of=run).exists()


def test_a_run_that_a_person_tried_again_is_queued_once_more_when_its_worker_is_lost():
    failed = make.TrainingRunFactory(state="failed")
    again, _ = run_starts.retry(failed, actor="ada")
    stop_heartbeat(runs.claim(again.pk, "w"), 61)
    workers.fail_lost_runs()
    assert TrainingRun.objects.filter(retry_of=again, state=RunState.QUEUED).exists()


def test_a_run_of_a_worker_whose_process_has_ended_is_queued_once_more_after_ten_seconds(
    stopped_clock,
):
    gone, alive = (make.TrainingRunFactory(state="running") for _ in range(2))
    for run, name in ((gone, "here:1"), (alive, "there:1")):
        TrainingRun.objects.filter(pk=run.pk).update(worker=name)
        stop_heartbeat(run, 9)
    is_gone = {"here:1": True, "there:1": False}.__getitem__
    assert workers.fail_lost_runs(is_gone) == []  # another process may have it, elsewhere
    for run in (gone, alive):
        stop_heartbeat(run, 11)
    assert workers.fail_lost_runs(is_gone) == [gone]
    assert TrainingRun.objects.get(retry_of=gone).state == RunState.QUEUED
    assert "for 10 s" in TrainingRun.objects.get(pk=gone.pk).error

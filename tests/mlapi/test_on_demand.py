"""Workers that run only while there are jobs: the reserve, and the cluster of trainings."""

import os
import time
from datetime import timedelta

import pytest
from django.utils import timezone
from django_q.conf import Conf
from django_q.models import OrmQ

from mlapi.jobs import cluster
from mlapi.jobs.on_demand import OnDemandCluster, Reserve
from registry import queue
from registry.actions import projects
from registry.models import Worker
from tests.factories import ProjectFactory


@pytest.fixture
def reserve():
    return Reserve()


@pytest.fixture
def trainings(reserve):
    return OnDemandCluster(queue.TRAINING, reserve)


@pytest.fixture
def events_worker(monkeypatch):
    monkeypatch.setattr(Conf, "CLUSTER_NAME", queue.EVENTS)


def queue_job(name: str) -> None:
    OrmQ.objects.create(key=name, payload="", lock=timezone.now())


def test_a_request_of_a_fork_is_taken_once(reserve):
    if not (pid := os.fork()):
        reserve.request()
        os._exit(0)
    os.waitpid(pid, 0)
    assert [reserve.take(), reserve.take()] == [True, False]


@pytest.mark.django_db
@pytest.mark.usefixtures("events_worker")
def test_a_worker_is_requested_only_while_a_job_of_the_cluster_waits(reserve):
    queue_job(queue.TRAINING)
    cluster._request_where_jobs_wait(reserve)
    assert not reserve.take()
    queue_job(queue.EVENTS)
    cluster._request_where_jobs_wait(reserve)
    assert reserve.take()


@pytest.mark.django_db
@pytest.mark.usefixtures("events_worker")
def test_one_of_the_reserve_ends_after_a_while_without_a_job():
    started_at = time.monotonic()
    assert cluster._Jobs(idle_at_most_s=0.5).get() == "STOP"
    assert time.monotonic() - started_at >= 0.5


def test_a_job_counts_as_long_after_a_while_and_no_more_once_it_has_ended(monkeypatch):
    timer = cluster._Timer()
    timer.value = 60.0
    monkeypatch.setattr(cluster, "_BUSY_AFTER_S", 600.0)
    assert not timer.is_busy()
    monkeypatch.setattr(cluster, "_BUSY_AFTER_S", 0.0)
    assert timer.is_busy()
    timer.value = -1.0
    assert not timer.is_busy()


@pytest.mark.django_db
def test_a_worker_is_requested_where_a_job_of_its_own_cluster_waits(trainings, reserve):
    queue_job(queue.EVENTS)
    trainings.request_worker()
    assert not reserve.take()
    queue_job(queue.TRAINING)
    trainings.request_worker()
    assert reserve.take()


@pytest.mark.django_db
def test_a_worker_is_requested_while_a_project_waits_for_quiet_but_not_forever(trainings, reserve):
    project = ProjectFactory()
    projects.mark_threshold(project, timezone.now())
    trainings.request_worker()
    assert reserve.take()
    projects.mark_threshold(project, timezone.now() - timedelta(minutes=1))
    trainings.request_worker()
    assert not reserve.take()


@pytest.mark.django_db
def test_the_cluster_counts_as_live_unless_a_job_waits_that_nobody_takes(trainings):
    queue_job(queue.TRAINING)
    trainings.record_heartbeat()
    assert not Worker.objects.live().exists()
    OrmQ.objects.all().delete()
    trainings.record_heartbeat()
    assert [worker.cluster for worker in Worker.objects.live()] == [queue.TRAINING]
    trainings.record_end()
    assert Worker.objects.get().silent_at is not None

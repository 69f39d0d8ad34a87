"""The reserve of workers: requested where jobs wait, and gone when there are none."""

import os
import time

import pytest
from django.utils import timezone
from django_q.conf import Conf
from django_q.models import OrmQ

from mlapi.jobs import cluster
from mlapi.jobs.reserve import Reserve
from registry import queue


@pytest.fixture
def events(monkeypatch):
    monkeypatch.setattr(Conf, "CLUSTER_NAME", queue.EVENTS)


def test_a_request_of_a_fork_is_taken_once():
    reserve = Reserve()
    if not (pid := os.fork()):
        reserve.request()
        os._exit(0)
    os.waitpid(pid, 0)
    assert [reserve.take(), reserve.take()] == [True, False]


@pytest.mark.django_db
@pytest.mark.usefixtures("events")
def test_a_worker_is_requested_only_while_a_job_of_the_cluster_waits():
    reserve = Reserve()
    OrmQ.objects.create(key=queue.TRAINING, payload="", lock=timezone.now())
    cluster._request_where_jobs_wait(reserve)
    assert not reserve.take()
    OrmQ.objects.create(key=queue.EVENTS, payload="", lock=timezone.now())
    cluster._request_where_jobs_wait(reserve)
    assert reserve.take()


@pytest.mark.django_db
@pytest.mark.usefixtures("events")
def test_one_of_the_reserve_ends_after_a_while_without_a_job():
    began = time.monotonic()
    assert cluster._Jobs(idle_at_most_s=0.5).get() == "STOP"
    assert time.monotonic() - began >= 0.5


def test_a_job_counts_as_long_after_a_while_and_no_more_once_it_has_ended(monkeypatch):
    timer = cluster._Timer()
    timer.value = 60.0
    monkeypatch.setattr(cluster, "_BUSY_AFTER_S", 600.0)
    assert not timer.is_busy()
    monkeypatch.setattr(cluster, "_BUSY_AFTER_S", 0.0)
    assert timer.is_busy()
    timer.value = -1.0
    assert not timer.is_busy()

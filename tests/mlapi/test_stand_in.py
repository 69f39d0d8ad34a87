"""The stand-in for workers of trainings: they run only while there is something to train."""

from datetime import timedelta

import pytest
from django.utils import timezone
from django_q.models import OrmQ

from mlapi.jobs.reserve import Reserve
from mlapi.jobs.stand_in import StandIn
from registry import queue
from registry.actions import projects
from registry.models import Worker
from tests.factories import ProjectFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def reserve():
    return Reserve()


@pytest.fixture
def stand_in(reserve):
    return StandIn(queue.TRAINING, reserve)


def job(cluster: str) -> None:
    OrmQ.objects.create(key=cluster, payload="", lock=timezone.now())


def test_a_worker_is_requested_where_a_job_of_its_own_cluster_waits(stand_in, reserve):
    job(queue.EVENTS)
    stand_in.look()
    assert not reserve.take()
    job(queue.TRAINING)
    stand_in.look()
    assert reserve.take()


def test_a_worker_is_requested_while_a_project_waits_for_quiet_but_not_for_ever(stand_in, reserve):
    project = ProjectFactory()
    projects.mark_threshold(project, timezone.now())
    stand_in.look()
    assert reserve.take()
    projects.mark_threshold(project, timezone.now() - timedelta(minutes=1))
    stand_in.look()
    assert not reserve.take()


def test_the_cluster_counts_as_live_unless_a_job_waits_that_nobody_takes(stand_in):
    job(queue.TRAINING)
    stand_in.heartbeat()
    assert not Worker.objects.live().exists()
    OrmQ.objects.all().delete()
    stand_in.heartbeat()
    assert [worker.cluster for worker in Worker.objects.live()] == [queue.TRAINING]
    stand_in.record_end()
    assert Worker.objects.get().silent_at is not None

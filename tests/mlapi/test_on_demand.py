"""The cluster of trainings, whose workers run only while there is something to train."""

from datetime import timedelta

import pytest
from django.utils import timezone
from django_q.models import OrmQ

from mlapi.jobs.on_demand import OnDemandCluster
from mlapi.jobs.reserve import Reserve
from registry import queue
from registry.actions import projects
from registry.models import Worker
from tests.factories import ProjectFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def reserve():
    return Reserve()


@pytest.fixture
def trainings(reserve):
    return OnDemandCluster(queue.TRAINING, reserve)


def job(cluster: str) -> None:
    OrmQ.objects.create(key=cluster, payload="", lock=timezone.now())


def test_a_worker_is_requested_where_a_job_of_its_own_cluster_waits(trainings, reserve):
    job(queue.EVENTS)
    trainings.request_worker()
    assert not reserve.take()
    job(queue.TRAINING)
    trainings.request_worker()
    assert reserve.take()


def test_a_worker_is_requested_while_a_project_waits_for_quiet_but_not_for_ever(trainings, reserve):
    project = ProjectFactory()
    projects.mark_threshold(project, timezone.now())
    trainings.request_worker()
    assert reserve.take()
    projects.mark_threshold(project, timezone.now() - timedelta(minutes=1))
    trainings.request_worker()
    assert not reserve.take()


def test_the_cluster_counts_as_live_unless_a_job_waits_that_nobody_takes(trainings):
    job(queue.TRAINING)
    trainings.record_heartbeat()
    assert not Worker.objects.live().exists()
    OrmQ.objects.all().delete()
    trainings.record_heartbeat()
    assert [worker.cluster for worker in Worker.objects.live()] == [queue.TRAINING]
    trainings.record_end()
    assert Worker.objects.get().silent_at is not None

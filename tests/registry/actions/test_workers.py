"""A worker's row is made with its first heartbeat and updated with each later one."""

import pytest

from registry.actions import workers
from registry.models import Worker

pytestmark = pytest.mark.django_db


def test_one_row_for_each_cluster_and_machine():
    workers.record_heartbeat("events", "a")
    first = Worker.objects.get().heartbeat_at
    workers.record_heartbeat("events", "a")
    workers.record_heartbeat("training", "a")
    assert Worker.objects.count() == 2
    assert Worker.objects.get(cluster="events").heartbeat_at > first

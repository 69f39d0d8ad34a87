"""A worker's row is made when it is first seen and kept fresh afterwards."""

import pytest

from registry.actions import workers
from registry.models import Worker

pytestmark = pytest.mark.django_db


def test_one_row_for_each_cluster_and_machine():
    workers.seen("events", "a")
    first = Worker.objects.get().seen_at
    workers.seen("events", "a")
    workers.seen("training", "a")
    assert Worker.objects.count() == 2
    assert Worker.objects.get(cluster="events").seen_at > first

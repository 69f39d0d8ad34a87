"""The rows that the benchmarks write are those that the product would write."""

from contextlib import closing

import psycopg2
import pytest
from django.db import connection

from benchmarks.harness import mirror, protocol, texts
from mlapi.mirror.process_events import process_pending_events
from registry.models import Event, Project, Task
from registry.models.event import EventStatus
from tests import factories as make

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def database():
    """A connection of its own, as the benchmarks have."""
    parameters = connection.get_connection_params()
    names = ("dbname", "user", "password", "host", "port")
    with closing(psycopg2.connect(**{k: parameters[k] for k in names if k in parameters})) as own:
        yield own


@pytest.fixture
def project():
    return make.ProjectFactory(uid=protocol.uid(1), label_config=protocol.LABEL_CONFIG)


def test_tasks_are_labelled_and_split_as_the_mirror_has_them(database, project):
    pairs = list(texts.pairs(200))
    row = mirror.project_id(database, project.uid)
    assert row == project.pk
    assert mirror.add_tasks(database, row, 1, pairs) == 200
    tasks = {task.labelstudio_id: task for task in Task.objects.filter(project=project)}
    assert [(tasks[i].data["text"], tasks[i].labels["label"]) for i in range(1, 201)] == pairs
    assert [tasks[i].classes for i in range(1, 201)] == [[f"label={label}"] for _, label in pairs]
    assert {task.split for task in tasks.values()} == {"train", "holdout"}
    assert 20 <= sum(task.split == "holdout" for task in tasks.values()) <= 60


def test_events_are_applied_to_the_tasks_that_they_name(database, project):
    pairs = list(texts.pairs(8))
    mirror.configure(database, project.pk, enabled=False)
    mirror.add_tasks(database, project.pk, 1, [(text, None) for text, _ in pairs], first=100)
    assert mirror.add_annotations(database, project.pk, 1, 100, pairs) == 8
    assert mirror.waiting(database, project.pk) == 8
    process_pending_events(project.pk)
    assert mirror.waiting(database, project.pk) == 0
    assert {event.status for event in Event.objects.all()} == {EventStatus.APPLIED}
    assert not Task.objects.exclude(deleted_at=None).exists()
    labels = Task.objects.order_by("labelstudio_id").values_list("labels__label", flat=True)
    assert list(labels) == [label for _, label in pairs]
    assert not Project.objects.get().policy["enabled"]


def test_events_that_are_no_longer_needed_wait_for_nothing(database, project):
    mirror.add_annotations(database, project.pk, 1, 1, texts.pairs(3))
    mirror.forget_waiting(database, project.pk)
    assert mirror.waiting(database, project.pk) == 0

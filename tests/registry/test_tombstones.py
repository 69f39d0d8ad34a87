"""The table of deleted ids begins with the ids of the last events."""

from importlib import import_module

import pytest
from django.apps import apps

from registry.actions import events
from registry.models import Event, Tombstone
from registry.models.event import EventStatus
from tests.factories import ProjectFactory

pytestmark = pytest.mark.django_db

fill = import_module("registry.migrations.0011_tombstones").fill


def deleted(project, action, payload, status=EventStatus.APPLIED) -> Event:
    return events.record(project, action, payload, status=status)


def test_the_migration_takes_over_the_deletions_that_were_applied_lately():
    project = ProjectFactory()
    deleted(project, "TASKS_DELETED", {"tasks": [{"id": 1}, 2, {"id": "x"}, {"id": True}]})
    deleted(project, "TASK_DELETED", {"task": {"id": 3}})
    last = deleted(project, "annotations_deleted", {"annotations": [{"id": 1}, {"id": 9}]})
    again = deleted(project, "TASKS_DELETED", {"tasks": [{"id": 1}]}, EventStatus.STALE)
    deleted(project, "TASKS_CREATED", {"tasks": [{"id": 4}]})
    deleted(project, "PROJECT_DELETED", {"project": {"id": 5}})
    deleted(project, "TASKS_DELETED", {"tasks": [{"id": 6}]}, EventStatus.RECEIVED)
    deleted(None, "TASKS_DELETED", {"tasks": [{"id": 7}]}, EventStatus.IGNORED)
    fill(apps, None)
    found = set(Tombstone.objects.values_list("project", "kind", "labelstudio_id"))
    expected = {("task", 1), ("task", 2), ("task", 3), ("annotation", 1), ("annotation", 9)}
    assert found == {(project.pk, kind, number) for kind, number in expected}
    of_one = Tombstone.objects.filter(labelstudio_id=1)
    assert dict(of_one.values_list("kind", "deleted_at")) == {
        "task": again.received_at,
        "annotation": last.received_at,
    }


def test_the_migration_reads_no_events_of_long_ago_and_none_of_an_empty_database():
    fill(apps, None)
    project = ProjectFactory()
    deleted(project, "TASKS_DELETED", {"tasks": [{"id": 1}]})
    for _ in range(200):
        deleted(project, "TASKS_CREATED", {})
    fill(apps, None)
    assert not Tombstone.objects.exists()


def test_the_migration_looks_back_from_the_oldest_event_that_waits():
    project = ProjectFactory()
    deleted(project, "TASKS_DELETED", {"tasks": [{"id": 1}]})
    for _ in range(250):
        deleted(project, "TASKS_CREATED", {}, EventStatus.RECEIVED)
    fill(apps, None)
    assert [t.labelstudio_id for t in Tombstone.objects.all()] == [1]

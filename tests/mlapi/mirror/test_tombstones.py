"""Late events about deleted tasks and annotations change nothing, at one small query."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from mlapi.mirror.process_events import process_pending_events
from registry.actions import events, tasks
from registry.models import Event, Tombstone
from registry.models.event import EventStatus
from tests.factories import ProjectFactory
from tests.mlapi.labelstudio.webhooks import annotated, task

pytestmark = pytest.mark.django_db

LATER = 10_000_000  # minutes: after any deletion here, whenever this runs


def apply_event(project, action, payload) -> Event:
    event = events.record(project, action, payload)
    process_pending_events(project.pk)
    event.refresh_from_db()
    return event


def test_after_a_bulk_deletion_an_event_costs_what_it_did_and_no_other_payload_is_read(project):
    apply_event(project, "TASKS_CREATED", {"tasks": [task(n) for n in range(1, 4)]})
    with CaptureQueriesContext(connection) as before:
        apply_event(project, "ANNOTATION_CREATED", annotated(5, 1, "Positive"))
    bulk = apply_event(project, "TASKS_DELETED", {"tasks": [{"id": n} for n in range(100, 10_100)]})
    assert bulk.status == EventStatus.APPLIED
    with CaptureQueriesContext(connection) as after:
        apply_event(project, "ANNOTATION_CREATED", annotated(6, 2, "Positive"))
    assert len(after) <= len(before)  # the first of a process may look things up that stay
    payloads = [q["sql"] for q in after if '"registry_event"."payload",' in q["sql"]]
    assert not [sql for sql in payloads if "DELETE" in sql]
    # The event itself, and this test's own look at how it ended.
    assert len(payloads) == 2


def test_late_annotations_of_tasks_that_were_deleted_in_bulk_are_stale(project):
    apply_event(project, "TASKS_CREATED", {"tasks": [task(1)]})
    apply_event(project, "TASKS_DELETED", {"tasks": [{"id": n} for n in range(1, 10_001)]})
    for mirrored_once_or_never in (1, 7_000):
        late = apply_event(
            project, "ANNOTATION_CREATED", annotated(5, mirrored_once_or_never, "Positive")
        )
        assert late.status == EventStatus.STALE
    assert not tasks.existing(project).exists()


def test_a_deletion_is_remembered_however_many_events_came_since(project):
    apply_event(project, "ANNOTATIONS_DELETED", {"annotations": [{"id": 5}]})
    for n in range(201):
        events.record(project, "PREDICT", {"n": n}, status=EventStatus.IGNORED)
    late = apply_event(project, "ANNOTATION_CREATED", annotated(5, 1, "Positive"))
    assert late.status == EventStatus.STALE


def test_an_id_that_is_used_again_and_deleted_again_is_gone_since_the_second_deletion(project):
    apply_event(project, "TASKS_DELETED", {"tasks": [{"id": 1}]})
    first = Tombstone.objects.get()
    apply_event(project, "TASKS_CREATED", {"tasks": [task(1, made=LATER)]})
    assert tasks.existing(project).get().labelstudio_id == 1
    apply_event(project, "TASK_DELETED", {"task": {"id": 1}})
    again = Tombstone.objects.get()
    assert (again.pk, again.kind, again.labelstudio_id) == (first.pk, "task", 1)
    assert again.deleted_at > first.deleted_at
    assert not tasks.existing(project).exists()


def test_an_id_that_is_deleted_twice_in_one_event_is_stored_once(project):
    apply_event(project, "ANNOTATIONS_DELETED", {"annotations": [{"id": 5}, {"id": 5}]})
    assert Tombstone.objects.count() == 1


def test_projects_and_kinds_do_not_mix(project):
    other = ProjectFactory(label_config="", fingerprint="", pipeline="")
    apply_event(other, "TASKS_DELETED", {"tasks": [{"id": 1}]})
    apply_event(project, "TASKS_DELETED", {"tasks": [{"id": 5}]})
    apply_event(project, "ANNOTATION_CREATED", annotated(5, 1, "Positive"))
    assert tasks.existing(project).get().labels == {"label": "Positive"}

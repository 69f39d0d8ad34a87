"""Events applied in order, each with its outcome, and the mirror afterwards."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from mlapi.mirror.process_events import process_pending_events
from registry.actions import tasks
from registry.models import Task
from registry.models.event import EventStatus
from tests.mlapi.labelstudio.webhooks import annotated, annotation, task
from tests.mlapi.mirror.processing import apply_events, mirrored, receive
from tests.queries import rows_read, selects

pytestmark = pytest.mark.django_db


def test_an_annotation_becomes_a_label(project):
    (event,) = apply_events(project, ("ANNOTATION_CREATED", annotated(5, 1, "Positive")))
    processed = mirrored(project)
    assert processed.labels == {"label": "Positive"}
    assert processed.annotation_ids == [5]
    assert processed.data == {"text": "text 1"}
    assert processed.split
    assert event.status == EventStatus.APPLIED
    assert "1 labels changed" in event.outcome
    assert event.processed_at


def test_an_edited_annotation_changes_the_label(project):
    apply_events(
        project,
        ("ANNOTATION_CREATED", annotated(5, 1, "Positive")),
        ("ANNOTATION_UPDATED", annotated(5, 1, "Negative", made=1, updated=2)),
    )
    assert mirrored(project).labels == {"label": "Negative"}


def test_an_older_event_about_an_annotation_is_stale(project):
    _, late = apply_events(
        project,
        ("ANNOTATION_UPDATED", annotated(5, 1, "Negative", made=1, updated=2)),
        ("ANNOTATION_CREATED", annotated(5, 1, "Positive", made=1)),
    )
    assert mirrored(project).labels == {"label": "Negative"}
    assert late.status == EventStatus.STALE


def test_the_same_event_twice_is_the_same_as_once(project):
    apply_events(project, *[("ANNOTATION_CREATED", annotated(5, 1, "Positive"))] * 2)
    assert mirrored(project).annotation_ids == [5]
    assert Task.objects.count() == 1


def test_annotations_are_deleted_by_their_ids_alone(project):
    apply_events(project, ("ANNOTATION_CREATED", annotated(5, 1, "Positive")))
    (event,) = apply_events(
        project, ("ANNOTATIONS_DELETED", {"annotations": [{"id": 5}, {"id": 99}]})
    )
    assert mirrored(project).labels == {}
    assert mirrored(project).total_annotations == 0
    assert event.outcome.startswith("1 annotations removed")


def test_an_annotation_that_was_deleted_before_it_arrived_stays_away(project):
    deletion, late = apply_events(
        project,
        ("ANNOTATIONS_DELETED", {"annotations": [{"id": 5}]}),
        ("ANNOTATION_CREATED", annotated(5, 1, "Positive")),
    )
    assert late.status == EventStatus.STALE
    assert not tasks.existing(project).exclude(labels={}).exists()


def test_a_task_that_was_deleted_before_its_annotation_arrived_stays_away(project):
    apply_events(project, ("TASKS_CREATED", {"tasks": [task(1)]}))
    _, late = apply_events(
        project,
        ("TASKS_DELETED", {"tasks": [{"id": 1}]}),
        ("ANNOTATION_CREATED", annotated(5, 1, "Positive")),
    )
    assert late.status == EventStatus.STALE
    assert not tasks.existing(project).exists()


def test_a_task_id_that_is_used_again_is_a_new_task(project):
    apply_events(project, ("ANNOTATION_CREATED", annotated(5, 1, "Positive")))
    later = 10_000_000  # after the deletion, whenever this test runs
    apply_events(
        project,
        ("TASKS_DELETED", {"tasks": [{"id": 1}]}),
        ("TASKS_CREATED", {"tasks": [task(1, made=later)]}),
    )
    assert mirrored(project).labels == {}
    assert Task.objects.count() == 2


def test_a_task_id_that_is_used_again_unannounced_is_a_new_task(project):
    apply_events(project, ("ANNOTATION_CREATED", annotated(5, 1, "Positive")))
    apply_events(project, ("TASKS_CREATED", {"tasks": [task(1, made=30)]}))
    assert mirrored(project).labels == {}
    assert Task.objects.filter(deleted_at__isnull=False).count() == 1


def test_skipped_annotations_are_mirrored_and_label_nothing(project):
    apply_events(project, ("ANNOTATION_CREATED", annotated(5, 1, was_cancelled=True)))
    assert mirrored(project).annotation_ids == [5]
    assert mirrored(project).labels == {}


def test_an_annotation_of_an_unknown_task_requests_a_sync(project):
    payload = {"annotation": annotation(5, 1, "Positive")}
    (event,) = apply_events(project, ("ANNOTATION_CREATED", payload))
    project.refresh_from_db()
    assert project.sync_queued_at
    assert "sync" in event.outcome


def test_an_import_with_annotations_requests_one_sync(project):
    payload = {"tasks": [task(1, total_annotations=1)]}
    apply_events(project, ("TASKS_CREATED", payload), ("TASKS_CREATED", payload))
    project.refresh_from_db()
    assert project.sync_queued_at
    assert mirrored(project).total_annotations == 1


def test_an_event_that_fails_has_the_reason_and_does_not_stop_the_others(project):
    broken, fine = apply_events(
        project,
        ("ANNOTATION_CREATED", {"annotation": {"id": 5}}),
        ("ANNOTATION_CREATED", annotated(6, 1, "Positive")),
    )
    assert broken.status == EventStatus.FAILED
    assert "of which task" in broken.outcome
    assert fine.status == EventStatus.APPLIED
    assert mirrored(project).labels == {"label": "Positive"}


def test_an_event_is_applied_whole_or_not_at_all(project):
    bad = task(2)
    bad["data"] = {"text": "x"}
    payload = {"tasks": [task(1), {**bad, "id": 2**62, "total_annotations": 2**40}]}
    (event,) = apply_events(project, ("TASKS_CREATED", payload))
    assert event.status == EventStatus.FAILED
    assert not tasks.existing(project).exists()


def test_an_annotation_event_reads_the_row_of_its_task_once(project):
    receive(project, "ANNOTATION_CREATED", annotated(5, 1, "Positive"))
    with CaptureQueriesContext(connection) as first:
        process_pending_events(project.pk)
    receive(project, "ANNOTATION_CREATED", annotated(6, 1, "Negative", completed_by=2))
    with CaptureQueriesContext(connection) as second:
        process_pending_events(project.pk)
    assert mirrored(project).annotation_ids == [5, 6]
    # The first label also decides the split, by what other rows have of the same input and label.
    assert len(rows_read(first)) == 1
    assert len(selects(second, "registry_task")) == 1

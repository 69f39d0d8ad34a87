"""Tasks that are mirrored with all of their annotations, as a sync and /train bring them."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from mlapi.mirror import apply_changes
from registry.actions import tasks
from registry.models.event import EventStatus
from tests.mlapi.labelstudio.webhooks import annotated, annotation, task
from tests.mlapi.mirror.processing import apply_events, mirrored
from tests.queries import rows_read

pytestmark = pytest.mark.django_db


def test_the_old_train_route_brings_annotated_tasks(project):
    whole = task(1, annotations=[annotation(5, 1, "Positive")])
    apply_events(project, ("TRAIN", {"annotations": [whole, {"id": 2}, "x"]}))
    assert mirrored(project).labels == {"label": "Positive"}


def test_created_tasks_do_not_undo_what_a_sync_read_already(project):
    whole = task(1, updated=5, total_annotations=1, annotations=[annotation(5, 1, "Positive")])
    apply_changes.put_whole_tasks(project, [whole])
    (event,) = apply_events(project, ("TASKS_CREATED", {"tasks": [task(1)]}))
    assert event.status == EventStatus.STALE
    assert mirrored(project).labels == {"label": "Positive"}


def test_a_sync_removes_what_label_studio_no_longer_has(project):
    """An annotation that was turned into a draft vanishes unannounced."""
    both = [annotation(5, 1, "Positive"), annotation(6, 1, "Positive", completed_by=2)]
    apply_changes.put_whole_tasks(project, [task(1, total_annotations=2, annotations=both)])
    done = apply_changes.put_whole_tasks(project, [task(1, updated=5, annotations=both[:1])])
    assert done.removed_annotations == 1
    assert mirrored(project).annotation_ids == [5]
    done = apply_changes.put_whole_tasks(project, [task(1, updated=6, annotations=[])])
    assert (done.removed_annotations, done.relabelled) == (1, 1)
    assert mirrored(project).labels == {}


def test_a_sync_that_read_before_an_event_does_not_undo_it(project):
    apply_events(project, ("ANNOTATION_CREATED", annotated(5, 1, "Positive", made=5)))
    done = apply_changes.put_whole_tasks(project, [task(1, updated=3, annotations=[])])
    assert done.stale == 1
    assert mirrored(project).labels == {"label": "Positive"}


def test_an_export_names_its_annotators_whole(project):
    whole = task(
        1, annotations=[annotation(5, 1, "Positive", completed_by={"id": 7, "email": "x"})]
    )
    apply_changes.put_whole_tasks(project, [whole])
    assert mirrored(project).annotations[0]["completed_by"] == 7


def test_a_large_sync_takes_few_queries(project, django_assert_max_num_queries):
    many = [
        task(n, annotations=[annotation(n, n, "Positive" if n % 2 else "Negative")])
        for n in range(1, 2_501)
    ]
    with django_assert_max_num_queries(60):
        done = apply_changes.put_whole_tasks(project, iter(many))
    assert (done.written, done.relabelled) == (2_500, 2_500)
    assert tasks.existing(project).filter(split="holdout").count() in range(400, 600)


def test_a_sync_reads_the_rows_of_each_page_once(project):
    page = [task(n, annotations=[annotation(n, n, "Positive")]) for n in range(1, 51)]
    changed = [task(n, updated=5, annotations=[annotation(n, n, "Negative")]) for n in range(1, 51)]
    for whole in (page, changed):
        with CaptureQueriesContext(connection) as queries:
            done = apply_changes.put_whole_tasks(project, whole)
        assert done.relabelled == 50
        assert len(rows_read(queries)) == 1

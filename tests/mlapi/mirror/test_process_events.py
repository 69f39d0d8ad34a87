"""Events applied in order, each with its outcome, and the mirror afterwards."""

import threading

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from mlapi.locks import EVENTS, project_lock
from mlapi.mirror import apply_changes, process_events
from mlapi.mirror.process_events import process_pending_events
from registry.actions import tasks
from registry.models import Event, Project, Task
from registry.models.event import EventStatus
from tests.factories import ProjectFactory
from tests.mlapi.labelstudio.webhooks import CONFIG, annotated, annotation, task
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


def test_an_older_word_about_an_annotation_is_stale(project):
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


def test_created_tasks_do_not_undo_what_a_sync_read_already(project):
    whole = task(1, updated=5, total_annotations=1, annotations=[annotation(5, 1, "Positive")])
    apply_changes.put_whole_tasks(project, [whole])
    (event,) = apply_events(project, ("TASKS_CREATED", {"tasks": [task(1)]}))
    assert event.status == EventStatus.STALE
    assert mirrored(project).labels == {"label": "Positive"}


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


def test_the_first_event_of_an_unknown_project_brings_its_label_config():
    project = ProjectFactory(label_config="", fingerprint="", pipeline="", title="")
    apply_events(project, ("ANNOTATION_CREATED", annotated(5, 1, "Positive")))
    project.refresh_from_db()
    assert project.label_config == CONFIG
    assert project.pipeline == "text_classification"
    assert project.title == "A project"
    assert mirrored(project).labels == {"label": "Positive"}


def test_a_renamed_label_relabels_every_task(project):
    apply_events(
        project,
        ("ANNOTATION_CREATED", annotated(5, 1, "Positive")),
        ("ANNOTATION_CREATED", annotated(6, 2, "Negative")),
    )
    before = project.fingerprint
    renamed = CONFIG.replace("Positive", "Good")
    payload = {"project": {"id": 1, "title": "T", "label_config": renamed}}
    (event,) = apply_events(project, ("PROJECT_UPDATED", payload))
    project.refresh_from_db()
    assert (project.label_config, project.title) == (renamed, "T")
    assert project.fingerprint != before
    assert mirrored(project, 1).labels == {}
    assert mirrored(project, 2).labels == {"label": "Negative"}
    assert "other targets or labels" in event.outcome
    # And back: the annotations were kept.
    apply_events(project, ("PROJECT_UPDATED", {"project": {"label_config": CONFIG}}))
    assert mirrored(project, 1).labels == {"label": "Positive"}


TWO_CONTROLS = CONFIG.replace(
    "</View>",
    '<Choices name="topics" toName="text" choice="multiple">'
    '<Choice value="price"/><Choice value="taste"/></Choices></View>',
)


def test_an_annotation_older_than_a_control_has_no_label_for_it(project):
    apply_events(project, ("ANNOTATION_CREATED", annotated(5, 1, "Positive")))
    apply_events(project, ("PROJECT_UPDATED", {"project": {"id": 1, "label_config": TWO_CONTROLS}}))
    assert mirrored(project).labels == {"label": "Positive"}
    project.refresh_from_db()
    years = 60 * 24 * 365 * 100.0  # in minutes: after the config changed, whenever this runs
    late = annotated(6, 2, "Negative", made=years)
    late["project"]["label_config"] = TWO_CONTROLS
    apply_events(project, ("ANNOTATION_CREATED", late))
    assert mirrored(project, 2).labels == {"label": "Negative", "topics": []}


def test_controls_of_the_first_config_have_empty_sets():
    project = ProjectFactory(label_config="", fingerprint="", pipeline="")
    apply_changes.refresh_config(project, TWO_CONTROLS)
    first = annotated(5, 1, "Positive")
    first["project"]["label_config"] = TWO_CONTROLS
    apply_events(project, ("ANNOTATION_CREATED", first))
    assert mirrored(project).labels == {"label": "Positive", "topics": []}


def test_a_config_with_the_same_targets_relabels_nothing(project):
    apply_events(project, ("ANNOTATION_CREATED", annotated(5, 1, "Positive")))
    changed_at = mirrored(project).labels_changed_at
    before = project.fingerprint
    apply_events(
        project, ("PROJECT_UPDATED", {"project": {"label_config": CONFIG.replace("><", ">\n<")}})
    )
    project.refresh_from_db()
    assert "\n" in project.label_config
    assert project.fingerprint == before
    assert mirrored(project).labels_changed_at == changed_at


@pytest.mark.parametrize(
    "config", ["<View>", '<!DOCTYPE v [<!ENTITY x "y">]><View>&x;</View>', "<View></View>"]
)
def test_an_unserved_config_is_stored_with_the_reason(project, config):
    apply_events(project, ("ANNOTATION_CREATED", annotated(5, 1, "Positive")))
    apply_events(project, ("PROJECT_UPDATED", {"project": {"label_config": config}}))
    project.refresh_from_db()
    assert project.label_config == config
    assert project.pipeline == ""
    assert project.unserved_reason
    # The labels wait for the config that comes after it.
    assert mirrored(project).labels == {"label": "Positive"}


def test_an_upgrade_that_serves_a_config_otherwise_relabels(project):
    apply_events(project, ("ANNOTATION_CREATED", annotated(5, 1, "Positive")))
    Task.objects.update(labels={})
    Project.objects.update(fingerprint="of an older release", pipeline="")
    process_pending_events(project.pk)
    project.refresh_from_db()
    assert project.pipeline == "text_classification"
    assert mirrored(project).labels == {"label": "Positive"}


def test_a_setup_stores_its_config_and_the_first_one_requests_a_sync(project):
    renamed = CONFIG.replace("Positive", "Good")
    apply_events(project, ("SETUP", {"project": {"label_config": renamed}, "first": True}))
    project.refresh_from_db()
    assert project.label_config == renamed
    assert project.sync_queued_at


def test_the_old_train_route_brings_annotated_tasks(project):
    whole = task(1, annotations=[annotation(5, 1, "Positive")])
    apply_events(project, ("TRAIN", {"annotations": [whole, {"id": 2}, "x"]}))
    assert mirrored(project).labels == {"label": "Positive"}


def test_data_that_postgresql_cannot_keep_is_kept_without_it(project):
    whole = task(1, data={"text": "a\x00b\ud800"}, annotations=[annotation(5, 1, "Positive")])
    apply_changes.put_whole_tasks(project, [whole])
    assert mirrored(project).data == {"text": "a\ufffdb\ufffd"}


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


def test_a_sync_reads_the_rows_of_each_page_once(project):
    page = [task(n, annotations=[annotation(n, n, "Positive")]) for n in range(1, 51)]
    changed = [task(n, updated=5, annotations=[annotation(n, n, "Negative")]) for n in range(1, 51)]
    for whole in (page, changed):
        with CaptureQueriesContext(connection) as queries:
            done = apply_changes.put_whole_tasks(project, whole)
        assert done.relabelled == 50
        assert len(rows_read(queries)) == 1


@pytest.mark.django_db(transaction=True)
def test_a_second_process_returns_at_once(project):
    receive(project, "ANNOTATION_CREATED", annotated(5, 1, "Positive"))
    processed = []

    def other():
        processed.append(process_pending_events(project.pk))
        connection.close()

    with project_lock(project.pk, purpose=EVENTS):
        thread = threading.Thread(target=other)
        thread.start()
        thread.join(90)
    assert processed == [0]
    assert Event.objects.get().status == EventStatus.RECEIVED
    assert process_pending_events(project.pk) == 1


@pytest.mark.django_db(transaction=True)
def test_an_event_that_comes_as_the_lock_is_released_is_processed(project, monkeypatch):
    receive(project, "ANNOTATION_CREATED", annotated(5, 1, "Positive"))
    apply_received, left = process_events._Drain._process_all, []

    def late(drain):
        """The moment after the last event was processed and before the lock is given back."""
        apply_received(drain)
        if not left:
            thread = threading.Thread(target=other)
            thread.start()
            thread.join(90)

    def other():
        receive(project, "ANNOTATION_UPDATED", annotated(5, 1, "Negative", updated=2))
        left.append(process_pending_events(project.pk))
        connection.close()

    monkeypatch.setattr(process_events._Drain, "_process_all", late)
    assert process_pending_events(project.pk) == 2
    assert left == [0]
    assert mirrored(project).labels == {"label": "Negative"}


@pytest.mark.django_db(transaction=True)
def test_a_drain_leaves_a_mirror_that_is_locked_for_long(project, monkeypatch):
    monkeypatch.setattr(process_events, "_LOCK_WAIT_S", 0.1)
    receive(project, "ANNOTATION_CREATED", annotated(5, 1, "Positive"))
    processed = []

    def other():
        processed.append(process_pending_events(project.pk))
        connection.close()

    with project_lock(project.pk, wait=True):
        thread = threading.Thread(target=other)
        thread.start()
        thread.join(90)
    assert processed == [0]
    assert Event.objects.get().status == EventStatus.RECEIVED
    assert process_pending_events(project.pk) == 1
    assert mirrored(project).labels == {"label": "Positive"}


@pytest.mark.django_db(transaction=True)
def test_a_drain_waits_for_a_page_or_a_snapshot_to_be_written(project):
    receive(project, "ANNOTATION_CREATED", annotated(5, 1, "Positive"))
    processed = []

    def other():
        processed.append(process_pending_events(project.pk))
        connection.close()

    with project_lock(project.pk, wait=True):
        thread = threading.Thread(target=other)
        thread.start()
        thread.join(0.3)
        assert not processed
    thread.join(90)
    assert processed == [1]


@pytest.mark.parametrize(
    "when", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-11-23T07:00:00+23:59"]
)
def test_a_time_that_the_database_cannot_store_affects_no_task(when, project):
    payload = annotated(5, 1, "Positive")
    for thing in (payload["task"], payload["annotation"]):
        thing |= {"created_at": when, "updated_at": when}
    later = annotated(5, 1, "Negative", made=5)
    applied_events = apply_events(
        project, ("ANNOTATION_CREATED", payload), ("ANNOTATION_UPDATED", later)
    )
    assert [event.status for event in applied_events] == [EventStatus.APPLIED] * 2
    assert mirrored(project).labels == {"label": "Negative"}


@pytest.mark.parametrize(
    "odd",
    [
        {"completed_by": [1]},
        {"completed_by": {"id": [1]}},
        {"parent_prediction": [2]},
        {"result": [{"from_name": "label", "value": {"choices": 5}}]},
        {"result": [{"from_name": ["label"], "value": {"choices": [["Positive"]]}}]},
    ],
)
def test_an_odd_annotation_keeps_no_later_label_config_out(odd):
    project = ProjectFactory(label_config="", fingerprint="", pipeline="")
    payload = annotated(5, 1, "Positive") | {"project": {"id": 1}}
    payload["annotation"] |= odd
    other = annotated(6, 2, "Positive") | {"project": {"id": 1}}
    applied_events = apply_events(
        project,
        ("ANNOTATION_CREATED", payload),
        ("ANNOTATION_CREATED", other),
        ("PROJECT_UPDATED", {"project": {"id": 1, "title": "T", "label_config": CONFIG}}),
    )
    assert applied_events[-1].status == EventStatus.APPLIED, applied_events[-1].outcome
    assert mirrored(project, 2).labels == {"label": "Positive"}


def test_entries_of_an_annotation_that_are_no_regions_spoil_no_label(project):
    payload = annotated(5, 1, "Positive")
    payload["annotation"]["result"] += [None, "x", [], {"value": None, "from_name": "label"}]
    (event,) = apply_events(project, ("ANNOTATION_CREATED", payload))
    assert event.status == EventStatus.APPLIED
    assert mirrored(project).labels == {"label": "Positive"}


def test_an_invalid_annotation_or_task_of_the_train_route_affects_no_other(project):
    good = {**task(1), "annotations": [None, "x", {"id": None}, annotation(5, 1, "Positive")]}
    bad = [None, {"id": 2}, {"id": 3, "data": None, "annotations": []}]
    (event,) = apply_events(project, ("TRAIN", {"annotations": [*bad, good]}))
    assert event.status == EventStatus.APPLIED
    assert mirrored(project).annotation_ids == [5]

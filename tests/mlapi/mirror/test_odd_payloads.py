"""Odd values in events: what cannot be stored or read affects nothing else."""

import pytest

from mlapi.mirror import apply_changes
from registry.models.event import EventStatus
from tests.factories import ProjectFactory
from tests.mlapi.labelstudio.webhooks import CONFIG, annotated, annotation, task
from tests.mlapi.mirror.processing import apply_events, mirrored

pytestmark = pytest.mark.django_db


def test_characters_that_postgresql_cannot_store_are_replaced(project):
    whole = task(1, data={"text": "a\x00b\ud800"}, annotations=[annotation(5, 1, "Positive")])
    apply_changes.put_whole_tasks(project, [whole])
    assert mirrored(project).data == {"text": "a\ufffdb\ufffd"}


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


def test_entries_of_an_annotation_that_are_no_regions_do_not_affect_the_label(project):
    payload = annotated(5, 1, "Positive")
    payload["annotation"]["result"] += [None, "x", [], {"value": None, "from_name": "label"}]
    (event,) = apply_events(project, ("ANNOTATION_CREATED", payload))
    assert event.status == EventStatus.APPLIED
    assert mirrored(project).labels == {"label": "Positive"}


def test_a_region_whose_id_is_no_text_has_its_label(project):
    payload = annotated(5, 1, "Positive")
    (region,) = payload["annotation"]["result"]
    region["id"] = ["r1"]
    payload["annotation"]["result"] += [{"id": {}, "from_name": "other", "value": {}}]
    (event,) = apply_events(project, ("ANNOTATION_CREATED", payload))
    assert event.status == EventStatus.APPLIED, event.outcome
    assert mirrored(project).labels == {"label": "Positive"}


def test_an_invalid_annotation_or_task_of_the_train_route_affects_no_other(project):
    good = {**task(1), "annotations": [None, "x", {"id": None}, annotation(5, 1, "Positive")]}
    bad = [None, {"id": 2}, {"id": 3, "data": None, "annotations": []}]
    (event,) = apply_events(project, ("TRAIN", {"annotations": [*bad, good]}))
    assert event.status == EventStatus.APPLIED
    assert mirrored(project).annotation_ids == [5]

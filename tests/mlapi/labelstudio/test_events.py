"""The effect of each of Label Studio's events."""

import pytest

from mlapi.labelstudio import events
from mlapi.labelstudio.events import (
    DropAnnotations,
    DropTasks,
    Ignore,
    MalformedEvent,
    NeedSync,
    PutAnnotation,
    PutProject,
    PutTask,
    changes,
)

from .webhooks import annotated, annotation, task


@pytest.mark.parametrize("action", ["ANNOTATION_CREATED", "ANNOTATION_UPDATED"])
def test_an_annotation_comes_with_its_task(action):
    payload = annotated(5, 1, "Positive")
    assert changes(action, payload) == [
        PutAnnotation(payload["annotation"], 1, payload["task"], live=True)
    ]


def test_lists_of_annotations_are_paired_with_their_tasks_and_not_live():
    a, b = annotation(5, 1, "Positive"), annotation(6, 2, "Negative")
    parsed = changes("ANNOTATIONS_CREATED", {"annotation": [a, b], "task": [task(2), task(1)]})
    assert [(c.annotation["id"], c.task["id"], c.live) for c in parsed] == [
        (5, 1, False),
        (6, 2, False),
    ]


@pytest.mark.parametrize("fields", [{"bulk_created": True}, {"import_id": 3}])
def test_imported_annotations_are_not_live(fields):
    (change,) = changes("ANNOTATION_CREATED", annotated(5, 1, "Positive", **fields))
    assert not change.live


@pytest.mark.parametrize("action", ["ANNOTATIONS_DELETED", "ANNOTATION_DELETED"])
def test_deleted_annotations_are_ids(action):
    assert changes(action, {"annotations": [{"id": 3}, {"id": 4}]}) == [DropAnnotations((3, 4))]


@pytest.mark.parametrize("action", ["TASKS_DELETED", "TASK_DELETED", "tasks_deleted"])
def test_deleted_tasks_are_ids(action):
    assert changes(action, {"tasks": [{"id": 3}]}) == [DropTasks((3,))]


def test_created_tasks():
    assert changes("TASKS_CREATED", {"tasks": [task(1), task(2)]}) == [
        PutTask(task(1)),
        PutTask(task(2)),
    ]


def test_tasks_that_were_imported_with_annotations_need_a_sync():
    *_, last = changes("TASKS_CREATED", {"tasks": [task(1, total_annotations=1), task(2)]})
    assert isinstance(last, NeedSync)


def test_a_project_that_was_changed():
    payload = {"project": {"id": 1, "title": "New", "label_config": "<View></View>"}}
    assert changes("PROJECT_UPDATED", payload) == [PutProject("New", "<View></View>")]


@pytest.mark.parametrize(
    "action", ["START_TRAINING", "PROJECT_DELETED", "LABEL_LINK_CREATED", "NEVER_HEARD_OF"]
)
def test_an_ignored_event_has_the_reason(action):
    (change,) = changes(action, {"project": {"id": 1}})
    assert isinstance(change, Ignore)
    assert change.reason


def test_our_own_actions_are_not_label_studios():
    assert not events.KNOWN_ACTIONS & {events.SETUP, events.TRAIN}
    assert {"ANNOTATION_CREATED", "TASKS_DELETED", "PROJECT_UPDATED"} <= events.KNOWN_ACTIONS


@pytest.mark.parametrize(
    ("action", "payload"),
    [
        ("ANNOTATION_CREATED", {"annotation": "x"}),
        ("ANNOTATION_CREATED", {"annotation": {"result": []}}),
        ("ANNOTATION_CREATED", {"annotation": {"id": 1}}),
        ("ANNOTATION_CREATED", {"annotation": {"id": True, "task": 1}}),
        ("ANNOTATIONS_DELETED", {"annotations": [{"id": "1; DROP"}]}),
        ("TASKS_CREATED", {"tasks": [None]}),
        ("PROJECT_UPDATED", {}),
        ("TRAIN", {"annotations": "x"}),
        ("TASKS_CREATED", []),
    ],
)
def test_a_payload_that_is_not_its_actions_is_malformed(action, payload):
    with pytest.raises(MalformedEvent):
        changes(action, payload)


@pytest.mark.parametrize(
    "action", sorted(events.KNOWN_ACTIONS - {"PROJECT_CREATED", "PROJECT_UPDATED"})
)
def test_an_empty_event_changes_nothing(action):
    assert all(isinstance(change, Ignore) for change in changes(action, {}))


@pytest.mark.parametrize(
    ("action", "payload", "first"),
    [
        ("TASKS_CREATED", {"tasks": [None, {"id": 1, "data": {}}]}, PutTask),
        ("TASKS_DELETED", {"tasks": [{"id": 1}, {"id": 2**63}, "x"]}, DropTasks),
        ("ANNOTATIONS_DELETED", {"annotations": [[], {"id": 1}]}, DropAnnotations),
        ("ANNOTATIONS_CREATED", {"annotation": [{"id": 1, "task": 2}, {"id": 3}]}, PutAnnotation),
    ],
)
def test_a_thing_without_an_id_affects_none_beside_it_and_is_read_by_a_sync(action, payload, first):
    parsed = changes(action, payload)
    assert isinstance(parsed[0], first)
    assert isinstance(parsed[1], NeedSync)
    assert len(parsed) == 2

"""A batch of events ends as they would one by one, in few statements; a bad one fails alone."""

import random
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from mlapi.mirror import process_events
from mlapi.mirror.process_events import process_pending_events
from registry.models import Event, Outcome, Project, Task, Tombstone
from registry.models.event import EventStatus
from registry.models.task import Split
from tests.factories import ModelVersionFactory
from tests.mlapi.labelstudio.webhooks import CONFIG, T0, annotated, annotation, task
from tests.mlapi.mirror.limits import no_more_files, refuse_text
from tests.mlapi.mirror.processing import apply_events, mirrored, receive
from tests.mlapi.trained import artifact
from tests.queries import rows_read

pytestmark = pytest.mark.django_db

LABELS = ("Positive", "Negative")


def now() -> float:
    """Minutes after the webhooks' own epoch."""
    return (datetime.now(UTC) - T0) / timedelta(minutes=1)


class RandomEvents:
    """Random events about a few tasks: late ones, repeated ones, deletions, ids used again."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._begin = now() + 1

    def events(self, n: int) -> list[tuple[str, dict[str, Any]]]:
        return [self._event(i) for i in range(n)]

    def _event(self, i: int) -> tuple[str, dict[str, Any]]:
        pick = self._random
        kind = pick.choices(
            [
                "annotation",
                "tasks",
                "annotations deleted",
                "tasks deleted",
                "config",
                "bad",
                "worse",
            ],
            [60, 10, 12, 8, 2, 4, 4],
        )[0]
        task_id, number, made = pick.randint(1, 6), pick.randint(1, 12), self._begin + i
        made -= pick.choice([0, 0, 0, 5, 20])
        match kind:
            case "annotation":
                fields = {"completed_by": pick.randint(1, 2), "was_cancelled": pick.random() < 0.1}
                payload = annotated(number, task_id, pick.choice(LABELS), made=made, **fields)
                payload["task"]["created_at"] = task(task_id)["created_at"]
                payload["task"]["data"] = {"text": pick.choice(["good fine", "bad", f"{task_id}"])}
                if pick.random() < 0.2:
                    del payload["task"]
                return pick.choice(["ANNOTATION_CREATED", "ANNOTATION_UPDATED"]), payload
            case "tasks":
                ids = pick.sample(range(1, 7), pick.randint(1, 3))
                return "TASKS_CREATED", {"tasks": [task(i, made=made) for i in ids]}
            case "annotations deleted":
                ids = pick.sample(range(1, 13), pick.randint(1, 4))
                return "ANNOTATIONS_DELETED", {"annotations": [{"id": i} for i in ids]}
            case "tasks deleted":
                return "TASKS_DELETED", {"tasks": [{"id": task_id}]}
            case "config":
                config = CONFIG if pick.random() < 0.5 else CONFIG.replace("Positive", "Good")
                return "PROJECT_UPDATED", {"project": {"label_config": config, "title": f"{i}"}}
            case "bad":
                return "ANNOTATION_CREATED", {"annotation": {"id": number}}
        # What only the database refuses: a number that no column holds.
        return "TASKS_CREATED", {"tasks": [task(task_id), task(9, total_annotations=2**40)]}


def ends(project: Project, batch_size: int, monkeypatch) -> dict[str, list]:
    """All that the received events leave behind, processed so many at once; then undone."""
    monkeypatch.setattr(process_events, "BATCH", batch_size)
    with transaction.atomic():
        process_pending_events(project.pk)
        found = {
            "tasks": _rows(Task, *_TASK_FIELDS, "deleted_at"),
            "events": list(Event.objects.order_by("pk").values_list("pk", "status", "outcome")),
            "deleted": _rows(Tombstone, "kind", "labelstudio_id", "deleted_at"),
            "outcomes": _rows(
                Outcome, "task__labelstudio_id", "target", "predicted", "human", "correct", "source"
            ),
            "sync": [Project.objects.get(pk=project.pk).sync_queued_at is not None],
        }
        transaction.set_rollback(True)
    return found


_TASK_FIELDS = (
    *("labelstudio_id", "data", "annotations", "annotation_ids", "total_annotations", "labels"),
    *("classes", "ties", "input_key", "split", "labelled_controls", "source_updated_at"),
)


# Fields of which only whether they are set is compared. The holdout gets tasks of a class when the
# class has enough of them, which are counted by the labels before a batch and the first ones in it.
_COMPARED_AS_BOOL = ("deleted_at", "split")


def _rows(model, *fields: str) -> list[tuple]:
    """The rows as texts, in any order."""
    return sorted(
        tuple(
            repr(bool(value) if field in _COMPARED_AS_BOOL else value)
            for field, value in zip(fields, row, strict=True)
        )
        for row in model.objects.values_list(*fields)
    )


@pytest.mark.usefixtures("no_loaded_versions")
@pytest.mark.parametrize("seed", range(3))
def test_a_batch_ends_as_its_events_one_by_one(project, monkeypatch, seed):
    ModelVersionFactory(project=project, content=artifact(), champion=True)
    for action, payload in RandomEvents(seed).events(50):
        receive(project, action, payload)
    one_by_one = ends(project, 1, monkeypatch)
    assert ends(project, 200, monkeypatch) == one_by_one
    assert ends(project, 7, monkeypatch) == one_by_one
    assert {status for _, status, _ in one_by_one["events"]} >= {"applied", "failed"}
    assert one_by_one["outcomes"]


def _queries(project: Project) -> CaptureQueriesContext:
    with CaptureQueriesContext(connection) as queries:
        process_pending_events(project.pk)
    return queries


def test_a_batch_of_any_size_takes_as_many_statements(project):
    counts = []
    for first, n in ((1_000, 20), (2_000, 150)):
        for i in range(first, first + n):
            receive(project, "ANNOTATION_CREATED", annotated(i, i, LABELS[i % 2]))
        queries = _queries(project)
        counts.append(len(queries))
        assert len(rows_read(queries)) == 1
        assert not Event.objects.filter(status=EventStatus.RECEIVED).exists()
    # The first labels of a class are counted, until the class has a task in the holdout.
    assert counts[1] <= counts[0]
    assert counts[0] <= 45
    for i in range(1_000, 1_020):
        receive(project, "ANNOTATION_UPDATED", annotated(i, i, LABELS[i % 2 - 1], updated=2))
    assert len(_queries(project)) <= counts[0]


def test_a_champion_costs_a_batch_two_statements_more(project, no_loaded_versions):
    def annotate(first: int) -> CaptureQueriesContext:
        for i in range(first, first + 20):
            payload = annotated(i, i, LABELS[i % 2], made=now() + 1)
            payload["task"]["data"] = {"text": f"good fine {i}"}
            receive(project, "ANNOTATION_CREATED", payload)
        return _queries(project)

    annotate(100)
    without = len(annotate(200))
    ModelVersionFactory(project=project, content=artifact(), champion=True)
    annotate(300)  # loads it
    assert len(annotate(400)) <= without + 3  # its history, itself, and its outcomes
    assert Outcome.objects.count() == 40


def test_an_event_that_the_database_refuses_fails_alone(project):
    beyond = task(9, total_annotations=2**40)
    good = [("ANNOTATION_CREATED", annotated(i, i, LABELS[i % 2])) for i in range(1, 9)]
    applied = apply_events(project, *good[:5], ("TASKS_CREATED", {"tasks": [beyond]}), *good[5:])
    failed = applied.pop(5)
    assert (failed.status, failed.outcome[:9]) == (EventStatus.FAILED, "DataError")
    assert {event.status for event in applied} == {EventStatus.APPLIED}
    assert sorted(Task.objects.values_list("labelstudio_id", flat=True)) == list(range(1, 9))


def test_what_is_beyond_a_limit_of_postgresql_is_the_events_fault(project):
    """The error is an OperationalError, like a lost connection, which would be retried forever."""
    refuse_text("large")
    large = annotated(5, 1, "Positive")
    large["task"]["data"]["text"] = "large"
    failed, fine = apply_events(
        project, ("ANNOTATION_CREATED", large), ("ANNOTATION_CREATED", annotated(6, 2, "Negative"))
    )
    assert failed.status == EventStatus.FAILED
    assert "exceeds the maximum" in failed.outcome
    assert fine.status == EventStatus.APPLIED
    assert mirrored(project, 2).labels == {"label": "Negative"}


def test_events_wait_while_no_file_can_be_opened(project, monkeypatch):
    apply_events(project, ("ANNOTATION_CREATED", annotated(5, 1, "Positive")))
    event = receive(project, "ANNOTATIONS_DELETED", {"annotations": [{"id": 5}]})
    # Django imports it for the first query of an array.
    monkeypatch.delitem(sys.modules, "django.contrib.postgres.expressions", raising=False)
    with no_more_files(), pytest.raises(OSError, match="Too many open files"):
        process_pending_events(project.pk)
    event.refresh_from_db()
    assert event.status == EventStatus.RECEIVED
    process_pending_events(project.pk)
    event.refresh_from_db()
    assert event.status == EventStatus.APPLIED
    assert mirrored(project).annotations == []


def test_a_task_that_came_and_went_within_a_batch_keeps_its_split(project):
    later = 10_000_000  # minutes: after the deletion, whenever this runs
    apply_events(
        project,
        ("ANNOTATION_CREATED", annotated(5, 1, "Positive")),
        ("TASKS_DELETED", {"tasks": [{"id": 1}]}),
        ("TASKS_CREATED", {"tasks": [task(1, made=later)]}),
    )
    gone, here = Task.objects.order_by("pk")
    assert gone.deleted_at
    assert gone.split in Split.values
    assert (here.deleted_at, here.split, here.labels) == (None, None, {})


def test_a_label_that_was_taken_back_within_a_batch_has_been_the_first(project):
    apply_events(
        project,
        ("ANNOTATION_CREATED", annotated(5, 1, "Positive")),
        ("ANNOTATIONS_DELETED", {"annotations": [{"id": 5}]}),
    )
    row = mirrored(project)
    assert (row.labels, row.labelled_controls) == ({}, ["label"])
    assert row.split in Split.values


def test_large_payloads_are_not_read_all_at_once(project, monkeypatch):
    monkeypatch.setattr(process_events, "_BATCH_BYTES", 1)
    sizes, take = [], process_events._next
    monkeypatch.setattr(
        process_events, "_next", lambda pk: [sizes.append(len(e := take(pk))), e][1]
    )
    for i in (1, 2, 3):
        receive(project, "ANNOTATION_CREATED", {"annotation": annotation(i, i, "Positive")})
    process_pending_events(project.pk)
    assert sizes == [1, 1, 1, 0]

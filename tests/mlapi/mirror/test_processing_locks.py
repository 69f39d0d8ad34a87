"""Events are processed by one process at a time, and beside whoever holds the mirror's lock."""

import pytest

from mlapi.locks import EVENTS, project_lock
from mlapi.mirror import process_events
from mlapi.mirror.process_events import process_pending_events
from registry.models import Event
from registry.models.event import EventStatus
from tests.mlapi.labelstudio.webhooks import annotated
from tests.mlapi.mirror.processing import mirrored, process_elsewhere, receive

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_second_process_returns_at_once(project):
    receive(project, "ANNOTATION_CREATED", annotated(5, 1, "Positive"))
    with project_lock(project.pk, purpose=EVENTS):
        assert process_elsewhere(project).result(90) == 0
    assert Event.objects.get().status == EventStatus.RECEIVED
    assert process_pending_events(project.pk) == 1


def test_an_event_that_comes_as_the_lock_is_released_is_processed(project, monkeypatch):
    receive(project, "ANNOTATION_CREATED", annotated(5, 1, "Positive"))
    apply_received, left = process_events._Drain._process_all, []

    def late(drain):
        """The moment after the last event was processed and before the lock is released."""
        apply_received(drain)
        if not left:
            receive(project, "ANNOTATION_UPDATED", annotated(5, 1, "Negative", updated=2))
            left.append(process_elsewhere(project).result(90))

    monkeypatch.setattr(process_events._Drain, "_process_all", late)
    assert process_pending_events(project.pk) == 2
    assert left == [0]
    assert mirrored(project).labels == {"label": "Negative"}


def test_a_drain_leaves_a_mirror_that_is_locked_for_long(project, monkeypatch):
    monkeypatch.setattr(process_events, "_LOCK_WAIT_S", 0.1)
    receive(project, "ANNOTATION_CREATED", annotated(5, 1, "Positive"))
    with project_lock(project.pk, wait=True):
        assert process_elsewhere(project).result(90) == 0
    assert Event.objects.get().status == EventStatus.RECEIVED
    assert process_pending_events(project.pk) == 1
    assert mirrored(project).labels == {"label": "Positive"}


def test_a_drain_waits_for_a_page_or_a_snapshot_to_be_written(project):
    receive(project, "ANNOTATION_CREATED", annotated(5, 1, "Positive"))
    with project_lock(project.pk, wait=True):
        waiting = process_elsewhere(project)
        with pytest.raises(TimeoutError):
            waiting.result(0.3)
    assert waiting.result(90) == 1

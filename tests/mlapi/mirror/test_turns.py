"""A single job for a project's waiting events, which gives its turn to other jobs."""

import threading
import time
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone
from django_q.models import OrmQ

from mlapi import jobs
from mlapi.jobs import maintenance
from mlapi.locks import EVENTS, project_lock
from mlapi.mirror import event_batch, process_events
from mlapi.mirror.process_events import process_pending_events, received, take_turn
from registry import queue
from registry.actions import events
from registry.models import Event, Project
from tests.factories import ProjectFactory
from tests.mlapi.labelstudio.webhooks import annotated
from tests.mlapi.mirror.processing import mirrored, receive

pytestmark = pytest.mark.django_db(transaction=True)


def processing_jobs() -> list[int]:
    """The projects of the queued jobs."""
    return [
        job.args()[0] for job in OrmQ.objects.all() if job.func() == "mlapi.jobs.process_events"
    ]


def test_a_hundred_events_queue_one_job(project):
    for i in range(100):
        receive(project, "ANNOTATION_CREATED", annotated(i, 1, "Positive", completed_by=i))
        events.request_processing(project.pk)
    assert processing_jobs() == [project.pk]
    jobs.process_events(project.pk)
    assert len(mirrored(project).annotation_ids) == 100


def test_other_projects_have_jobs_of_their_own(project):
    other = ProjectFactory()
    for _ in range(2):
        for each in (project, other):
            events.request_processing(each.pk)
    assert sorted(processing_jobs()) == sorted([project.pk, other.pk])


def test_once_a_job_has_begun_the_next_event_queues_one(project):
    events.request_processing(project.pk)
    OrmQ.objects.all().delete()  # taken by a worker
    jobs.process_events(project.pk)
    events.request_processing(project.pk)
    assert processing_jobs() == [project.pk]


def test_while_events_are_processed_none_is_queued(project):
    def in_a_request():
        events.request_processing(project.pk)
        connection.close()

    with project_lock(project.pk, purpose=EVENTS):
        thread = threading.Thread(target=in_a_request)
        thread.start()
        thread.join(60)
    assert processing_jobs() == []


def test_a_request_whose_job_was_lost_is_made_again_after_a_while(project):
    events.request_processing(project.pk)
    OrmQ.objects.all().delete()  # with the worker that took it
    events.request_processing(project.pk)
    assert processing_jobs() == []
    long_ago = timezone.now() - events.PROCESSING_LOST_AFTER - timedelta(seconds=1)
    Project.objects.update(events_queued_at=long_ago)
    events.request_processing(project.pk)
    assert processing_jobs() == [project.pk]


def test_while_no_worker_takes_jobs_they_do_not_pile_up(project):
    receive(project, "ANNOTATION_CREATED", annotated(1, 1, "Positive"))
    long_ago = timezone.now() - timedelta(hours=1)
    for _ in range(5):
        Project.objects.update(events_queued_at=long_ago)
        Event.objects.update(received_at=long_ago)
        events.request_processing(project.pk)
        maintenance.requeue_stuck_events()
    assert processing_jobs() == [project.pk]


def test_a_backlog_gives_its_turn_to_the_jobs_that_wait(project, monkeypatch):
    monkeypatch.setattr(process_events, "BATCH", 10)
    monkeypatch.setattr(process_events, "_TURN_S", 0)
    for i in range(30):
        made = {"made": float(i), "updated": float(i)}
        payload = annotated(1, 1, "Positive" if i % 2 else "Negative", **made)
        receive(project, "ANNOTATION_UPDATED", payload)
    others = [ProjectFactory() for _ in range(settings.EVENT_WORKERS + 1)]
    for other in others:
        queue.process_events(other.pk)
    assert not take_turn(project.pk)
    assert received(project.pk).count() == 20
    assert processing_jobs()[-1] == project.pk  # behind the others
    OrmQ.objects.all().delete()
    assert take_turn(project.pk)  # nobody waits
    assert not received(project.pk).exists()
    assert mirrored(project).labels == {"label": "Positive"}
    order = Event.objects.order_by("processed_at", "pk").values_list("pk", flat=True)
    assert list(order) == sorted(order)


def test_a_call_that_wants_all_of_them_gives_no_turn(project, monkeypatch):
    monkeypatch.setattr(process_events, "BATCH", 5)
    monkeypatch.setattr(process_events, "_TURN_S", 0)
    for _ in range(settings.EVENT_WORKERS + 1):
        queue.process_events(project.pk)
    for i in range(20):
        receive(project, "ANNOTATION_CREATED", annotated(i, 1, "Positive", completed_by=i))
    assert process_pending_events(project.pk) == 20


def test_a_large_backlog_gives_its_turn_after_the_batch_that_ends_it(project, monkeypatch):
    """The job of another project waits for that turn, in the only worker."""
    starts, ends = [], []
    apply = event_batch.apply_events

    def applied(*arguments):
        starts.append(time.monotonic())
        done = apply(*arguments)
        ends.append(time.monotonic())
        return done

    monkeypatch.setattr(event_batch, "apply_events", applied)
    monkeypatch.setattr(settings, "EVENT_WORKERS", 1)
    other = ProjectFactory()
    for i in range(3_000):
        receive(project, "ANNOTATION_CREATED", annotated(i, i, "Positive"))
    for each in (project, other):
        queue.process_events(each.pk)
    jobs.process_events(project.pk)
    assert received(project.pk).exists()
    # The last batch but one had ended within the turn, however busy the machine is.
    assert len(ends) == 1 or ends[-2] - starts[0] <= process_events._TURN_S

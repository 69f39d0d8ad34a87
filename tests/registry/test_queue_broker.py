"""The queue's broker: a notification of a queued training wakes it."""

import threading
import time
from contextlib import closing

import psycopg2
import pytest
from django.db import OperationalError, connections
from django_q.conf import Conf
from django_q.tasks import async_task

from registry import queue, queue_broker
from registry.queue_broker import NotifiedORM
from tests.postgres import database_url
from tests.waiting import PATIENCE_S

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def broker(monkeypatch):
    """A broker that listens, and would wait for ten minutes."""
    monkeypatch.setattr(queue_broker, "_POLL_S", 0)
    broker = NotifiedORM(queue.TRAINING)
    assert broker.dequeue() is None  # it has begun to listen
    monkeypatch.setattr(queue_broker, "_POLL_S", 600)
    return broker


def test_a_queued_training_wakes_a_waiting_worker(broker, monkeypatch):
    waits, wait = threading.Event(), broker._wait
    monkeypatch.setattr(broker, "_wait", lambda: (waits.set(), wait()))

    def enqueue() -> None:
        waits.wait(PATIENCE_S)
        async_task("mlapi.jobs.train", 1, cluster=queue.TRAINING)
        connections.close_all()

    thread = threading.Thread(target=enqueue)
    started_at = time.monotonic()
    thread.start()
    assert broker.dequeue() is None
    assert time.monotonic() - started_at < 300
    thread.join()
    assert len(broker.dequeue()) == 1


def test_one_that_was_queued_before_it_waits_is_there_at_once(broker):
    async_task("mlapi.jobs.train", 1, cluster=queue.TRAINING)
    assert len(broker.dequeue()) == 1


def test_a_worker_of_events_looks_by_itself(monkeypatch):
    broker = NotifiedORM(queue.EVENTS)
    assert broker.dequeue() is None
    async_task("mlapi.jobs.tick", cluster=queue.EVENTS)
    assert len(broker.dequeue()) == 1


def test_a_session_that_the_database_ends_while_a_worker_waits_is_djangos_error(broker):
    session = connections[Conf.ORM].connection
    with closing(psycopg2.connect(database_url())) as other, other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [session.get_backend_pid()])
    try:
        with pytest.raises(OperationalError):
            for _ in range(3):  # the server's last words come before the end
                broker._wait()
    finally:
        connections[Conf.ORM].close()

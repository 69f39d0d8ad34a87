"""Slow and idle clients, and a frozen database: health and events are answered."""

import json
import socket
import statistics
import time
from contextlib import contextmanager, suppress
from functools import partial

import pytest

from tests import data_folder
from tests.evals_backend.running import running
from tests.postgres import frozen
from tests.waiting import eventually

HALF_HEAD = b"POST /webhook HTTP/1.1\r\nHost: loc"
HALF_BODY = b"POST /webhook HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{"
# What an idle machine needs; on a busy one, so many times what the request takes without a fault.
HEALTH_S = 0.2
EVENT_S = 1.0
TIMES = 15
IN_TIME_S = 30  # for a deadline of 2 s; without it a frozen database is waited for for minutes


@pytest.fixture(scope="module")
def server(new_data_dir):
    with running(data_folder.prepare(new_data_dir())) as server:
        assert eventually(lambda: server.get("/health").status == 200)
        yield server


def webhook(server) -> tuple[int, dict[str, str]]:
    """Send an event; status and headers."""
    body = json.dumps({"action": "TASKS_CREATED", "project": {"id": 1}, "tasks": []}).encode()
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as client:
        client.sendall(
            f"POST /k/{server.key}/webhook HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
            f"Content-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
        answer = b""
        while data := client.recv(65_536):
            answer += data
    first, *lines = answer.partition(b"\r\n\r\n")[0].decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    return int(first.split()[1]), {name.lower(): value for name, value in headers.items()}


def seconds(request, times: int = 7) -> list[float]:
    """The seconds that each call takes."""
    taken = []
    for _ in range(times):
        started_at = time.monotonic()
        request()
        taken.append(time.monotonic() - started_at)
        time.sleep(0.1)
    return taken


def median(*samples: list[float]) -> float:
    """The largest of the samples' medians."""
    return max(map(statistics.median, samples))


@contextmanager
def slow_clients(server, count: int, sent: bytes):
    """So many clients that have sent that, and dribble on now and then where it isn't empty."""
    clients = []
    try:
        for _ in range(count):
            clients.append(socket.create_connection(("127.0.0.1", server.port), timeout=30))
            clients[-1].sendall(sent)
        yield clients
    finally:
        for client in clients:
            client.close()


@pytest.mark.parametrize(
    ("count", "sent"),
    [(200, HALF_HEAD), (200, HALF_BODY), (1_000, b"")],
    ids=["head", "body", "idle"],
)
def test_clients_that_send_nothing_more_delay_no_other_client(server, count, sent):
    health, event = partial(server.get, "/health"), partial(webhook, server)
    usual, usual_event = seconds(health), seconds(event)
    with slow_clients(server, count, sent) as clients:
        beside = seconds(health)
        for client in clients[::2]:
            if sent:
                with suppress(OSError):
                    client.sendall(b" ")
        events = seconds(event)
    # The machine may have become busier meanwhile.
    usual, usual_event = median(usual, seconds(health)), median(usual_event, seconds(event))
    assert median(beside) < max(HEALTH_S, TIMES * usual)
    assert median(events) < max(EVENT_S, TIMES * usual_event)


def test_readers_that_take_nothing_of_their_answers_delay_no_other_client(server):
    health = partial(server.get, "/health")
    usual = seconds(health)
    ask = b"GET /static/admin/css/base.css HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with slow_clients(server, 200, ask * 20):
        beside = seconds(health)
    assert median(beside) < max(HEALTH_S, TIMES * median(usual, seconds(health)))


def test_beside_a_frozen_database_the_health_answers_and_events_are_refused_in_time(server):
    assert eventually(lambda: webhook(server)[0] < 300)
    usual, usual_event = seconds(lambda: server.get("/health")), seconds(lambda: webhook(server))
    with frozen(server.data_dir):
        answers = []
        events = seconds(lambda: answers.append(webhook(server)), times=5)
        health = seconds(lambda: server.get("/health"))
        ready = []
        readiness = seconds(lambda: ready.append(server.get(f"/k/{server.key}/ready")), times=2)
        assert [status for status, _ in answers] == [503] * 5
        assert all(int(headers["retry-after"]) > 0 for _, headers in answers)
        assert ready[0].status == 503
    usual = median(usual, seconds(lambda: server.get("/health")))
    assert median(health) < max(HEALTH_S, TIMES * usual)
    assert median(events) < EVENT_S + TIMES * median(usual_event)
    assert max(readiness) < IN_TIME_S
    assert eventually(lambda: webhook(server)[0] < 300)
    # What was refused is read from Label Studio as soon as it can be.
    assert eventually(lambda: server.get(f"/k/{server.key}/ready").status == 200)

"""Web processes that are killed: nobody is refused, and what may have been missed is read."""

import json
import signal
import threading
import urllib.request
from contextlib import closing

import pytest

from tests import data_folder
from tests.evals_backend.conftest import new_data_dir
from tests.evals_backend.running import Server, free_port, key_of
from tests.factories import LABEL_CONFIG
from tests.postgres import connect
from tests.waiting import eventually

__all__ = ["new_data_dir"]


@pytest.fixture(scope="module")
def server(new_data_dir):
    running = Server(data_folder.prepare(new_data_dir()), free_port())
    try:
        running.key = key_of(running.three_lines()[0])
        yield running
    finally:
        running.stop(signal.SIGTERM)


def syncs(server) -> int:
    """How many syncs of a project have ended."""
    with closing(connect(server.data_dir)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM django_q_task WHERE func = 'mlapi.jobs.sync'")
        return cursor.fetchone()[0]


def setup(server) -> None:
    """Store a project."""
    body = {"project": "1.1700000000", "schema": LABEL_CONFIG, "hostname": "", "access_token": ""}
    request = urllib.request.Request(
        f"http://127.0.0.1:{server.port}/k/{server.key}/setup",
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert answer.status == 200


def test_while_the_web_is_started_again_nobody_is_refused_and_the_gap_is_read(server):
    setup(server)
    assert eventually(lambda: syncs(server) > 0)  # what the set-up itself has queued
    before = syncs(server)
    is_over, answered, refused = threading.Event(), [], []

    def ask() -> None:
        while not is_over.is_set():
            try:
                answered.append(server.get("/health").status)
            except ConnectionRefusedError as error:
                refused.append(error)
            except OSError:
                pass  # it was being answered by one that was killed

    clients = [threading.Thread(target=ask) for _ in range(4)]
    for client in clients:
        client.start()
    try:
        for _ in range(3):
            for web in server.children("evals-web"):
                web.kill()
            count = len(answered)
            assert eventually(lambda count=count: len(answered) > count + 20)
    finally:
        is_over.set()
        for client in clients:
            client.join()
    assert refused == []
    assert set(answered) == {200}
    assert eventually(lambda: syncs(server) > before)

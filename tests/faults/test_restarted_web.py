"""Web processes that are killed: nobody is refused, and what may have been missed is read."""

import threading

import pytest

from tests import data_folder
from tests.evals_backend.running import Server, running
from tests.faults.labelling import Project, rows
from tests.waiting import eventually


@pytest.fixture(scope="module")
def server(new_data_dir):
    with running(data_folder.prepare(new_data_dir())) as server:
        yield server


def syncs(server: Server) -> int:
    """The number of syncs of a project that have ended."""
    ended = "SELECT count(*) FROM django_q_task WHERE func = 'mlapi.jobs.sync'"
    return rows(server, ended)[0][0]


def test_while_the_web_is_started_again_nobody_is_refused_and_the_gap_is_read(server):
    Project(server, server.key).setup()
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

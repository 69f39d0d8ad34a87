"""More requests than can be worked on, beside a training: none is lost, and the training ends."""

import statistics
import threading
import time
from collections import Counter
from functools import partial

import pytest

from tests import data_folder
from tests.evals_backend.running import Server, running
from tests.faults.labelling import Project, rows
from tests.waiting import eventually

TASKS = 60
CLIENTS = 24
ROUNDS = 3  # of trainings, while all clients go on
NEW_TASKS = 12  # before each: a training of what the champion has learned makes no version


@pytest.fixture
def server(new_data_dir):
    with running(data_folder.prepare(new_data_dir())) as server:
        yield server


@pytest.mark.nightly
def test_beside_a_training_an_overload_is_answered_and_each_event_applied(server):
    project = Project(server, server.key)
    project.setup()
    for task in range(1, TASKS + 1):
        assert project.label(task, "Positive" if task % 2 else "Negative") < 300
    assert eventually(project.setup)
    is_over, answers, unanswered = threading.Event(), Counter(), []

    def send(number: int) -> None:
        own = project.at(server)
        while not is_over.is_set():
            try:
                if number % 3:
                    status, _ = own.predict(50)
                    answers["predict", status] += 1
                else:
                    label = "Positive" if number % 2 else "Negative"
                    answers["webhook", own.label(1 + number, label)] += 1
            except OSError as error:
                unanswered.append(repr(error))

    clients = [threading.Thread(target=send, args=(n,)) for n in range(CLIENTS)]
    for client in clients:
        client.start()
    health = []
    try:
        for number in range(1, ROUNDS + 1):
            before = versions(server)
            for task in range(1_000 * number, 1_000 * number + NEW_TASKS):
                label = "Positive" if task % 2 else "Negative"
                assert eventually(partial(is_accepted, project, task, label))
            assert eventually(lambda: project.start_training() < 300)
            while versions(server) == before and not _failed(server):
                started_at = time.monotonic()
                assert server.get("/health").status == 200
                health.append(time.monotonic() - started_at)
                time.sleep(0.2)
    finally:
        is_over.set()
        for client in clients:
            client.join()
    median = statistics.median(health)
    print(f"{dict(answers)}, /health in {median:.3f} s, at most {max(health):.2f} s")
    assert unanswered == []
    statuses = {status for _, status in answers}
    assert statuses <= {200, 201, 503}  # and a 503 says when to come back
    assert answers["predict", 200] and answers["webhook", 201]
    assert not _failed(server)
    received = "SELECT count(*) FROM registry_event WHERE status = 'received'"
    assert eventually(lambda: rows(server, received) == [(0,)], 300)
    accepted = answers["webhook", 201] + answers["webhook", 200] + TASKS
    stored = "SELECT count(*) FROM registry_event WHERE action LIKE 'ANNOTATION%%'"
    assert rows(server, stored)[0][0] >= accepted


def is_accepted(project: Project, task: int, label: str) -> bool:
    """Whether the event of a label was, which is sent again where it was refused for overload."""
    return project.label(task, label) < 300


def versions(server: Server) -> int:
    return rows(server, "SELECT count(*) FROM registry_modelversion")[0][0]


def _failed(server: Server) -> list[tuple]:
    return rows(server, "SELECT error_code, error FROM registry_trainingrun WHERE state = 'failed'")

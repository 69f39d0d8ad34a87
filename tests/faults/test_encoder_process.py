"""The encoder process of a server: its memory, its death in mid-request, its end."""

import signal
import threading
from pathlib import Path

import psutil
import pytest

from tests import data_folder
from tests.evals_backend.running import Server, processes_of, running
from tests.faults.labelling import Project
from tests.mlapi.training.test_sentence_vectors import LABELLED
from tests.waiting import eventually

pytestmark = [pytest.mark.encoder, pytest.mark.nightly]

CLIENTS = 6
MOST_MB = 250  # what encoding may take in all, whatever the number of web processes


@pytest.fixture
def server(new_data_dir):
    with running(data_folder.prepare(new_data_dir()), WEB_WORKERS="2") as server:
        yield server


@pytest.fixture
def project(server):
    """A project whose champion needs the vectors of texts."""
    project = Project(server, server.key)
    project.setup()
    for task, (text, label) in enumerate(LABELLED.items(), start=1):
        assert project.label(task, label, text) < 300
    assert eventually(project.setup, 300)
    return project


def test_all_processes_have_one_encoder_which_may_be_killed_in_mid_request(server, project):
    project.predict(texts=["dog"])  # the champion is loaded
    assert server.children("evals-encoder") == []  # the vectors of its own texts are stored
    before = memory_mb(server)

    answers = ask(server, project, 40)
    assert len(answers) == CLIENTS * 40
    assert all(complete(answer) for answer in answers)
    (encoder,) = server.children("evals-encoder")
    assert [p for p in server_processes(server) if has_onnxruntime(p)] == [encoder]
    print(f"{memory_mb(server) - before:.0f} MB more")
    assert eventually(lambda: memory_mb(server) - before < MOST_MB)  # at rest

    is_over, killed = threading.Event(), []

    def kill() -> None:
        while not is_over.wait(1.0):
            for process in server.children("evals-encoder"):
                process.kill()
                killed.append(process)

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        during = ask(server, project, 40, of="during")
    finally:
        is_over.set()
        killer.join()
    assert killed and len(during) == CLIENTS * 40
    assert all(status == 200 for status, _ in during)  # without prediction, or with it
    assert eventually(lambda: complete(project.predict(texts=["a tractor", "a hamster"])), 120)

    server.stop(signal.SIGTERM)
    assert eventually(lambda: processes_of(server.data_dir) == [])


def ask(server: Server, project: Project, count: int, of: str = "before") -> list[tuple]:
    """The answers to `count` requests of each client, whose texts are all new."""
    answers: list[tuple] = []

    def client(number: int) -> None:
        own = project.at(server)
        for n in range(count):
            answers.append(own.predict(texts=[f"{of} {number} a new text {n} {i}" for i in (1, 2)]))

    clients = [threading.Thread(target=client, args=(n,)) for n in range(CLIENTS)]
    for one in clients:
        one.start()
    for one in clients:
        one.join()
    return answers


def complete(answer: tuple) -> bool:
    status, body = answer
    return status == 200 and all(body["results"])


def server_processes(server: Server) -> list[psutil.Process]:
    """The server's processes without PostgreSQL and trainings, which end by themselves."""
    parent = psutil.Process(server.process.pid)
    left_out = ("postgres", "evals-child")
    return [parent, *(p for p in parent.children(recursive=True) if name_of(p) not in left_out)]


def name_of(process: psutil.Process) -> str:
    try:
        return process.name()
    except psutil.NoSuchProcess:
        return "evals-child"


def memory_mb(server: Server) -> float:
    return sum(process.memory_full_info().pss for process in server_processes(server)) / 1e6


def has_onnxruntime(process: psutil.Process) -> bool:
    return "onnxruntime" in Path(f"/proc/{process.pid}/maps").read_text()

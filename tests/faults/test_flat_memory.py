"""A web process has the same memory after very many requests."""

import http.client
import json
import threading
from pathlib import Path

import psutil
import pytest

from tests import data_folder
from tests.evals_backend.running import Server, running
from tests.faults.labelling import Project
from tests.mlapi.labelstudio.webhooks import CONFIG
from tests.waiting import eventually

REQUESTS = 20_000
CLIENTS = 4
AT_MOST = 3_000_000  # bytes: 150 a request


@pytest.fixture
def server(new_data_dir):
    with running(data_folder.prepare(new_data_dir()), WEB_WORKERS="1") as server:
        yield server


@pytest.mark.nightly
@pytest.mark.long
def test_a_web_process_does_not_grow_with_the_requests_that_it_answers(server):
    project = Project(server, server.key)
    project.setup()
    for task in range(1, 41):
        assert project.label(task, "Positive" if task % 2 else "Negative") < 300
    assert eventually(project.setup, 300)
    (web,) = server.children("evals-web")
    send(server, project, REQUESTS)  # caches fill, and memory of the parent becomes its own
    before = anonymous(web)
    send(server, project, REQUESTS)
    growth = anonymous(web) - before
    print(f"{growth:,} bytes more after {REQUESTS:,} requests")
    assert growth < AT_MOST
    assert server.children("evals-web") == [web]


def send(server: Server, project: Project, count: int) -> None:
    """Sends `count` requests, divided among the clients."""
    answers: list[int] = []
    clients = [
        threading.Thread(target=_client, args=(server, project, count // CLIENTS, answers))
        for _ in range(CLIENTS)
    ]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    assert answers == [200] * count


def _client(server: Server, project: Project, count: int, answers: list[int]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
    base, headers = f"/k/{server.key}", {"Content-Type": "application/json"}
    for number in range(count):
        if number % 4 == 0:
            connection.request("GET", f"{base}/is_training?project={project.uid}")
        elif number % 4 == 1:
            connection.request("GET", f"{base}/health")
        else:
            task = {"id": number + 1, "data": {"text": f"good fine {number % 500}"}}
            body = {"project": project.uid, "label_config": CONFIG, "tasks": [task]}
            connection.request("POST", f"{base}/predict", json.dumps(body), headers)
        response = connection.getresponse()
        response.read()
        answers.append(response.status)
    connection.close()


def anonymous(process: psutil.Process) -> int:
    """Bytes of memory that is of no file, whether it is shared with another process or not."""
    lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()
    (line,) = [line for line in lines if line.startswith("Anonymous:")]
    return int(line.split()[1]) * 1024

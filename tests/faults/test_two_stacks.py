"""Two whole stacks on one database, of which any process is killed now and then.

`STACKS_S` sets for how long; nightly ten minutes. A small sibling runs daily.
"""

import os
import random
import signal
import threading
import time
from collections import Counter
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from urllib.parse import quote

import psutil
import pytest

from tests import data_folder
from tests.evals_backend.running import Server, running
from tests.faults.labelling import Project, rows
from tests.ports import free_port
from tests.waiting import eventually

TASKS = 40
ROLES = ("evals-web", "evals-events", "evals-training")


@pytest.fixture(scope="module")
def stacks(new_data_dir):
    """Two servers with the database and the artifacts of the first."""
    one = {"WEB_WORKERS": "1", "EVENT_WORKERS": "1"}
    with running(data_folder.prepare(new_data_dir()), **one) as first:
        socket = (first.data_dir / "postgres" / "postmaster.pid").read_text().splitlines()[4]
        second = Server(
            _empty(new_data_dir()),
            free_port(),
            **one,
            DATABASE_URL=f"postgresql://postgres@/postgres?host={quote(socket, safe='/')}",
            SECRET_KEY=(first.data_dir / "secret-key").read_text().strip(),
            ARTIFACTS_OPTIONS=f'{{"location": "{first.data_dir / "artifacts"}"}}',
        )
        try:
            assert eventually(second.answers)
            yield first, second
        finally:
            second.stop(signal.SIGTERM)


def _empty(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def stress(stacks, seconds: float, seed: int, *, numbers: range) -> None:
    """Label on both stacks at once for so long while processes are killed; then check all."""
    print(f"{seed=}")
    chance = random.Random(seed)
    first, second = stacks
    projects = [Project(first, first.key, number) for number in numbers]
    ends_at = time.monotonic() + seconds
    accepted: Counter[str] = Counter()
    for project in projects:
        project.setup()

    def label(project: Project, server: Server, seed: int) -> None:
        own, pick = project.at(server), random.Random(seed)
        # Each thread has tasks and times of its own: of one task the last word is known.
        numbers = [n for n in range(TASKS) if n % 2 == (server is first)]
        while time.monotonic() < ends_at or numbers:
            task = numbers.pop() if numbers else pick.randrange(TASKS // 2) * 2 + (server is first)
            with suppress(OSError, HTTPException):  # of a web process that has just been killed
                if own.label(task + 1, pick.choice(["Positive", "Negative"])) < 300:
                    accepted[project.uid] += 1

    threads = [
        threading.Thread(target=label, args=(project, server, i))
        for i, (project, server) in enumerate((p, s) for p in projects for s in stacks)
    ]
    for thread in threads:
        thread.start()
    killed = 0
    while any(thread.is_alive() for thread in threads):
        time.sleep(chance.uniform(0.5, 2))
        if found := chance.choice(stacks).children(chance.choice(ROLES)):
            with suppress(psutil.NoSuchProcess):
                chance.choice(found).kill()
                killed += 1
    for thread in threads:
        thread.join()
    assert killed
    received = "SELECT count(*) FROM registry_event WHERE status = 'received'"
    assert eventually(lambda: rows(first, received) == [(0,)], 300)
    print(f"{sum(accepted.values())} events, {killed} processes killed in {seconds:g} s")
    for project in projects:
        check(first, project, accepted[project.uid])
    same_answers(stacks, projects)


def check(server: Server, project: Project, accepted: int) -> None:
    """Each event was applied once and in order; runs and versions are whole."""
    statuses = rows(
        server,
        "SELECT e.status, count(*) FROM registry_event e JOIN registry_project p"
        " ON p.id = e.project_id WHERE p.uid = %s AND e.action LIKE 'ANNOTATION%%' GROUP BY 1",
        project.uid,
    )
    by_status = dict(statuses)
    assert set(by_status) <= {"applied", "stale"}, by_status
    assert sum(by_status.values()) >= accepted
    out_of_order = rows(
        server,
        "SELECT count(*) FROM (SELECT processed_at, lag(processed_at) OVER ("
        " PARTITION BY payload->'task'->>'id' ORDER BY e.id) AS before"
        " FROM registry_event e JOIN registry_project p ON p.id = e.project_id"
        " WHERE p.uid = %s) x WHERE processed_at < before",
        project.uid,
    )
    assert out_of_order == [(0,)]
    annotations = rows(
        server,
        "SELECT jsonb_array_length(annotations), count(*) FROM registry_task t"
        " JOIN registry_project p ON p.id = t.project_id WHERE p.uid = %s GROUP BY 1",
        project.uid,
    )
    assert dict(annotations) == {1: TASKS}
    assert eventually(lambda: project.start_training() < 300)
    assert eventually(project.setup)
    unfinished = (
        "SELECT count(*) FROM registry_trainingrun r JOIN registry_project p"
        " ON p.id = r.project_id WHERE p.uid = %s AND r.state IN ('queued', 'running')"
    )
    assert eventually(lambda: rows(server, unfinished, project.uid) == [(0,)], 300)
    numbers = rows(
        server,
        "SELECT v.number FROM registry_modelversion v JOIN registry_project p"
        " ON p.id = v.project_id WHERE p.uid = %s ORDER BY 1",
        project.uid,
    )
    assert [number for (number,) in numbers] == list(range(1, len(numbers) + 1))


def same_answers(stacks, projects: list[Project]) -> None:
    """Both stacks answer with the same version and the same labels."""

    def answers(project: Project) -> list:
        found = []
        for server in stacks:
            status, answer = project.at(server).predict()
            labels = [
                [region["value"]["choices"] for region in entry.get("result", [])] if entry else []
                for entry in answer["results"]
            ]
            found.append((status, answer["model_version"], labels))
        return found

    for project in projects:
        assert eventually(lambda project=project: len(set(map(str, answers(project)))) == 1)
        assert answers(project)[0][0] == 200
    schedules = rows(stacks[0], "SELECT name, count(*) FROM django_q_schedule GROUP BY 1")
    assert dict(schedules) == {"tick": 1, "hourly": 1}


def test_two_stacks_share_a_database(stacks):
    stress(stacks, 2, 1, numbers=range(1, 2))


@pytest.mark.nightly
@pytest.mark.long
def test_two_stacks_share_a_database_for_ten_minutes(stacks):
    seconds = float(os.environ.get("STACKS_S", "600"))
    stress(stacks, seconds, random.randrange(2**32), numbers=range(11, 15))

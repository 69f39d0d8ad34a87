"""A database that is frozen, as a process sees it: what is known goes on, the rest comes back."""

import time
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest
from django.conf import settings
from django.db import connection
from psycopg2 import extensions

from mlapi import registry_cache
from registry.models import Event
from registry.postgresql import deadline
from tests.factories import LABEL_CONFIG
from tests.mlapi.listening import seen_within
from tests.mlapi.protocol.conftest import call, champion, key, project

__all__ = ["call", "champion", "key", "project"]

pytestmark = pytest.mark.django_db(transaction=True)

WEBHOOK_S = 0.8


@pytest.fixture
def listening():
    """This process keeps deadlines, and its cache listens, as in the web server."""
    deadline.install()
    listener = registry_cache.CACHE.listener
    listener.start()
    assert seen_within(listener.is_current, 10)
    yield listener
    listener.stop()
    registry_cache.CACHE.clear()
    extensions.set_wait_callback(None)


@contextmanager
def frozen():
    """The tests' own PostgreSQL, all of its processes stopped."""
    pid_file = Path(settings.DATA_DIR) / "postgres" / "postmaster.pid"
    postmaster = psutil.Process(int(pid_file.read_text().split()[0]))
    stopped = []
    try:
        postmaster.suspend()
        stopped.append(postmaster)
        for process in postmaster.children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                process.suspend()
                stopped.append(process)
        yield
    finally:
        for process in reversed(stopped):
            with suppress(psutil.NoSuchProcess):
                process.resume()
        connection.close()  # the deadline has ended it


def predict_body(uid: str) -> dict:
    tasks = [{"id": 1, "data": {"text": "good"}}, {"id": 2, "data": "no object"}]
    return {"project": uid, "label_config": LABEL_CONFIG, "tasks": tasks}


def scores(answer) -> list:
    """The score of each task's prediction, None without one, and the version."""
    entries = answer.json()["results"]
    found = [entry["score"] if entry else None for entry in entries]
    return [answer.status_code, answer.json()["model_version"], *found]


def setup_body(uid: str) -> dict:
    return {
        "project": uid,
        "schema": LABEL_CONFIG,
        "hostname": "http://localhost:8080",
        "access_token": "a-token",
        "extra_params": None,
    }


def test_loaded_champions_go_on_answering_and_the_rest_says_when_to_come_back(
    call, project, champion, listening
):
    uid = project.uid
    webhook = {"action": "TASKS_CREATED", "project": {"id": 1}, "tasks": []}
    assert call.post("/setup", setup_body(uid)).status_code == 200
    assert call.post("/predict", predict_body(uid)).status_code == 200
    assert seen_within(listening.is_current, 10)
    before = scores(call.post("/predict", predict_body(uid)))
    assert before[:2] == [200, champion.label]
    assert call.post("/setup", setup_body(uid)).status_code == 200
    assert call.get("/is_training", {"project": uid}).status_code == 200
    with frozen():
        for is_known_to_be_away in (False, True):
            assert seen_within(lambda: not listening.is_current(), 10)
            if is_known_to_be_away:
                assert seen_within(listening.is_away, 20)
            with deadline.lasting(5):
                assert scores(call.post("/predict", predict_body(uid))) == before
                if is_known_to_be_away:
                    answer = call.post("/setup", setup_body(uid)).json()
                    assert answer["model_version"] == champion.label
                assert call.get("/is_training", {"project": uid}).status_code == 200
                changed = setup_body(uid) | {"hostname": "http://elsewhere:8080"}
                refused = call.post("/setup", changed)
            assert (refused.status_code, refused["Retry-After"]) == (503, "2")
            began = time.monotonic()
            with deadline.lasting(WEBHOOK_S):
                refused = call.post("/webhook", webhook)
            assert (refused.status_code, refused["Retry-After"]) == (503, "2")
            assert time.monotonic() - began < 10 * WEBHOOK_S
    assert seen_within(listening.is_current, 30)
    assert not listening.is_away()
    assert call.post("/webhook", webhook).status_code in (200, 201)
    assert Event.objects.filter(action="TASKS_CREATED").count() >= 1
    assert scores(call.post("/predict", predict_body(uid))) == before


def test_a_revoked_key_opens_until_the_database_is_back(call, key, project, champion, listening):
    uid = project.uid
    assert call.post("/predict", predict_body(uid)).status_code == 200
    assert seen_within(listening.is_current, 10)
    assert call.post("/predict", predict_body(uid)).status_code == 200
    with frozen():
        assert seen_within(listening.is_away, 20)
        assert call.post("/predict", predict_body(uid)).status_code == 200
    assert seen_within(listening.is_current, 30)
    from registry.actions import keys

    keys.revoke(key, actor="anna")
    assert seen_within(lambda: call.post("/predict", predict_body(uid)).status_code == 401, 5)

"""A frozen database: what a process has cached is answered, the rest is refused for a while."""

import time
from contextlib import contextmanager

import pytest
from django.conf import settings
from django.db import OperationalError, connection
from psycopg2 import extensions

from evals_backend.web.site import Site
from mlapi import registry_cache
from registry.actions import keys
from registry.models import Event
from registry.postgresql import deadline
from tests.factories import LABEL_CONFIG
from tests.mlapi.protocol.conftest import call, champion, key, project
from tests.postgres import frozen
from tests.waiting import eventually

__all__ = ["call", "champion", "key", "project"]

pytestmark = pytest.mark.django_db(transaction=True)

WEBHOOK_S = 0.8
IN_TIME_S = 60  # without its deadline a query of a frozen database waits for ten minutes


@pytest.fixture
def listening():
    """This process keeps deadlines, and its cache listens, as in the web server."""
    deadline.install()
    listener = registry_cache.CACHE.listener
    listener.start()
    assert eventually(listener.is_current)
    yield listener
    listener.stop()
    registry_cache.CACHE.clear()
    extensions.set_wait_callback(None)


@contextmanager
def frozen_database():
    """The tests' own PostgreSQL is frozen."""
    try:
        with frozen(settings.DATA_DIR):
            yield
    finally:
        connection.close()  # the deadline has ended it


class SlowQueries:
    """A WSGI result whose queries take longer than any request may wait."""

    def __iter__(self):
        self.close()
        yield b""

    def close(self):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(%s)", [IN_TIME_S])


@pytest.mark.parametrize(
    "use", [list, lambda result: result.close()], ids=["sent", "done after it"]
)
def test_queries_while_a_response_is_sent_and_after_it_have_a_deadline(listening, use):
    result = Site(lambda environ, start_response: SlowQueries()).application(
        {"PATH_INFO": "/webhook"}, lambda *_: None
    )
    started_at = time.monotonic()
    with pytest.raises(OperationalError, match="in time"):
        use(result)
    assert time.monotonic() - started_at < IN_TIME_S / 2
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
    call, key, project, champion, listening
):
    uid = project.uid
    webhook = {"action": "TASKS_CREATED", "project": {"id": 1}, "tasks": []}
    assert call.post("/setup", setup_body(uid)).status_code == 200
    assert call.post("/predict", predict_body(uid)).status_code == 200
    assert eventually(listening.is_current)
    before = scores(call.post("/predict", predict_body(uid)))
    assert before[:2] == [200, champion.label]

    names = [("key", keys.digest(key.plain)), ("project", uid), ("run", project.pk)]

    def is_all_cached() -> bool:
        """Notifications come late on a busy machine, and rows read before them are not cached."""
        assert call.post("/setup", setup_body(uid)).status_code == 200
        assert call.post("/predict", predict_body(uid)).status_code == 200
        assert call.get("/is_training", {"project": uid}).status_code == 200
        return all(registry_cache.CACHE.peek(name) for name in names)

    assert eventually(is_all_cached)
    with frozen_database():
        for is_known_to_be_away in (False, True):
            assert eventually(lambda: not listening.is_current())
            if is_known_to_be_away:
                assert eventually(listening.is_away)
            with deadline.within(5):
                assert scores(call.post("/predict", predict_body(uid))) == before
                if is_known_to_be_away:
                    answer = call.post("/setup", setup_body(uid)).json()
                    assert answer["model_version"] == champion.label
                assert call.get("/is_training", {"project": uid}).status_code == 200
                changed = setup_body(uid) | {"hostname": "http://elsewhere:8080"}
                refused = call.post("/setup", changed)
            assert (refused.status_code, refused["Retry-After"]) == (503, "2")
            started_at = time.monotonic()
            with deadline.within(WEBHOOK_S):
                refused = call.post("/webhook", webhook)
            assert (refused.status_code, refused["Retry-After"]) == (503, "2")
            assert time.monotonic() - started_at < IN_TIME_S
    assert eventually(listening.is_current)
    assert not listening.is_away()
    assert call.post("/webhook", webhook).status_code in (200, 201)
    assert Event.objects.filter(action="TASKS_CREATED").count() >= 1
    assert scores(call.post("/predict", predict_body(uid))) == before


def test_a_revoked_key_opens_until_the_database_is_back(call, key, project, champion, listening):
    uid = project.uid
    assert call.post("/predict", predict_body(uid)).status_code == 200
    assert eventually(
        lambda: (
            call.post("/predict", predict_body(uid)).status_code == 200
            and registry_cache.cached_project(uid)
        )
    )
    with frozen_database():
        assert eventually(listening.is_away)
        assert call.post("/predict", predict_body(uid)).status_code == 200
    assert eventually(listening.is_current)
    keys.revoke(key, actor="anna")
    assert eventually(lambda: call.post("/predict", predict_body(uid)).status_code == 401)

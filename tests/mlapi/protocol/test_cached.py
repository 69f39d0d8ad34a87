"""Answers of a warm process without a query, and the delay of another process's changes."""

import threading
from collections.abc import Iterable
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime

import orjson
import pytest
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django_q.models import OrmQ

from mlapi import registry_cache
from mlapi.change_listener import ChangeListener
from mlapi.registry_cache import RegistryCache, _Entry
from registry.actions import champion as champions
from registry.actions import events
from registry.models import Event
from tests.factories import LABEL_CONFIG, AccessKeyFactory, ModelVersionFactory
from tests.mlapi.caller import Caller, statements
from tests.mlapi.listening import OtherProcess, cut, listening_backend, silent
from tests.mlapi.trained import artifact
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)
WITHIN_S = 1.0


@pytest.fixture
def listening():
    """This process's cache listens, as in the web server."""
    listener = registry_cache.CACHE.listener
    listener.start()
    assert eventually(listener.is_current)
    yield listener
    listener.stop()
    registry_cache.CACHE.clear()


@pytest.fixture
def other():
    """A second process on the same database."""
    process = OtherProcess()
    yield process
    process.end()


def setup_body(project) -> dict:
    return {
        "project": project.uid,
        "schema": LABEL_CONFIG,
        "hostname": "http://localhost:8080",
        "access_token": "a-token",
        "extra_params": None,
    }


def requests_of(project) -> dict:
    """The repeated requests of Label Studio, by route."""
    return {
        "setup": lambda call: call.post("/setup", setup_body(project)),
        "predict": lambda call: call.post(
            "/predict",
            {
                "project": project.uid,
                "label_config": LABEL_CONFIG,
                "tasks": [{"id": 1, "data": {"text": "good"}}],
            },
        ),
        "is_training": lambda call: call.get("/is_training", {"project": project.uid}),
        "health": lambda call: call.get("/health"),
    }


@pytest.mark.parametrize("route", ["setup", "predict", "is_training", "health"])
def test_a_warm_request_takes_no_query(route, call, project, champion, listening):
    request = requests_of(project)[route]
    cold = request(call)
    assert cold.status_code == 200
    assert eventually(listening.is_current)
    request(call)  # a first /setup has changed the row
    assert eventually(lambda: _queries_of(request, call) == 0)
    warm = request(call)
    assert warm.status_code == 200
    assert warm.json().get("model_version") == cold.json().get("model_version")


def _queries_of(request, call) -> int:
    with CaptureQueriesContext(connection) as captured:
        request(call)
    return len(captured)


def webhook_body(project) -> dict:
    number, created = project.uid.split(".")
    created_at = datetime.fromtimestamp(int(created), UTC).isoformat()
    return {
        "action": "ANNOTATION_CREATED",
        "project": {"id": int(number), "created_at": created_at},
        "task": {"id": 1, "data": {"text": "good"}},
        "annotation": {"id": 1, "result": []},
    }


def test_a_warm_webhook_takes_two_queries(call, project, listening):
    body = webhook_body(project)
    assert call.post("/webhook", body).status_code == 201
    assert Event.objects.get().project == project

    def is_warm() -> bool:
        """On a busy machine the listener is late, and what is cached is read again."""
        with CaptureQueriesContext(connection) as captured:
            assert call.post("/webhook", body).status_code == 201
        return len(statements(captured)) <= 2  # the event, and the job

    assert eventually(is_warm)


def test_a_webhook_waits_for_one_durable_commit(call, project, listening):
    """The event's. What wakes a worker is committed after it, without waiting for the disk."""
    body = webhook_body(project)
    call.post("/webhook", body)
    assert eventually(listening.is_current)
    OrmQ.objects.all().delete()
    events.begin_processing(project.pk)
    with CaptureQueriesContext(connection) as captured:
        assert call.post("/webhook", body).status_code == 201
    assert OrmQ.objects.count() == 1
    transactions = _transactions(query["sql"] for query in captured)
    durable = [each for each in transactions if "synchronous_commit" not in each]
    assert [each.count("INSERT") for each in durable] == [1]
    assert 'INSERT INTO "registry_event"' in durable[0]
    assert len(transactions) == 2


def _transactions(statements: Iterable[str]) -> list[str]:
    """The writing statements by transaction; outside of one, each is a transaction of its own."""
    found, open_ = [], False
    for statement in statements:
        if statement.startswith("BEGIN"):
            found.append("")
            open_ = True
        elif statement.startswith("COMMIT"):
            open_ = False
        elif open_:
            found[-1] += f"{statement}\n"
        elif not statement.startswith("SELECT"):
            found.append(statement)
    return found


def test_a_setup_with_nothing_new_writes_nothing(call, project, champion, listening):
    call.post("/setup", setup_body(project))
    project.refresh_from_db()
    before, stored = project.updated_at, Event.objects.count()
    for _ in range(3):
        call.post("/setup", setup_body(project))
    project.refresh_from_db()
    assert (project.updated_at, Event.objects.count()) == (before, stored)


@contextmanager
def connection_cut():
    """The listening connection has just been cut."""
    cut()
    yield


@pytest.mark.parametrize("connected", [nullcontext, connection_cut, silent])
def test_a_change_by_another_process_takes_effect_within_a_second(
    connected, call, key, project, champion, listening, other
):
    second = ModelVersionFactory(project=project, content=artifact())

    def served() -> str:
        return call.post("/setup", setup_body(project)).json()["model_version"]

    def is_training() -> bool:
        return call.get("/is_training", {"project": project.uid}).json()["is_training"]

    def cached():
        return registry_cache.project(project.uid)

    the_project = f"Project.objects.get(pk={project.pk})"
    the_config = "<View><Text name='t' value='$t'/></View>"
    steps = [
        (
            f"champion.promote(ModelVersion.objects.get(pk={second.pk}), actor='a', reason='r')",
            lambda: served() == second.label,
        ),
        (
            f"champion.roll_back({the_project}, actor='a', reason='r')",
            lambda: served() == champion.label,
        ),
        (f"run_starts.start({the_project}, trigger='admin', actor='a', reason='r')", is_training),
        (
            f"project_settings.configure({the_project}, options={{'automl': 'on'}}, actor='a')",
            lambda: cached().options.get("automl") == "on",
        ),
        (
            f"projects.set_config({the_project}, {the_config!r}, fingerprint='f', pipeline='')",
            lambda: cached().label_config == the_config,
        ),
        (
            f"keys.revoke(AccessKey.objects.get(pk={key.pk}), actor='a')",
            lambda: call.get("/versions").status_code == 401,
        ),
    ]
    for line, has_effect in steps:
        assert eventually(listening.is_current)
        assert not has_effect()
        assert not has_effect()  # from the cache
        with connected():
            other.do(line)
            assert eventually(has_effect, WITHIN_S), line


def test_a_lost_connection_is_made_again_and_answers_are_cached_again(call, project, listening):
    request = requests_of(project)["is_training"]
    request(call)
    before = cut()
    assert eventually(lambda: listening_backend() not in (None, before))
    assert eventually(listening.is_current)
    request(call)
    assert eventually(lambda: _queries_of(request, call) == 0)


def test_a_key_of_a_project_opens_no_other_one_that_is_cached(project, champion, listening):
    other_key = AccessKeyFactory(project=ModelVersionFactory().project)
    unbound = AccessKeyFactory()
    request = requests_of(project)["is_training"]
    assert request(Caller(f"/k/{unbound.plain}")).json()["model_version"] == champion.label
    assert request(Caller(f"/k/{other_key.plain}")).json()["model_version"] is None


def test_answers_are_consistent_while_versions_are_promoted(key, project, champion, listening):
    """Requests that are predicted together are consistent too, even if one has an invalid task."""
    versions = [champion, ModelVersionFactory(project=project, content=artifact(3.0))]
    answers: list[tuple[list[str], dict]] = []
    is_over = threading.Event()

    def predict(number: int) -> None:
        texts = ["good", "bad", "good fine", "", "awful"][number % 2 : number % 2 + number // 2 + 1]
        body = {
            "project": project.uid,
            "label_config": LABEL_CONFIG,
            "tasks": [{"id": n, "data": {"text": text}} for n, text in enumerate(texts)],
        }
        client = Client()
        while not is_over.is_set():
            sent = client.post(
                f"/k/{key.plain}/predict", orjson.dumps(body), content_type="application/json"
            )
            answers.append((texts, sent.json()))
        connections.close_all()

    clients = [threading.Thread(target=predict, args=(number,)) for number in range(8)]
    for thread in clients:
        thread.start()
    for turn in range(1, 9):
        champions.promote(versions[turn % 2], actor="anna", reason="turns")
    is_over.set()
    for thread in clients:
        thread.join()
    labels = {version.label for version in versions}
    assert {answer["model_version"] for _, answer in answers} <= labels
    scores: dict[tuple[str, str], set[float]] = {}
    for texts, answer in answers:
        label = answer["model_version"]
        for text, entry in zip(texts, answer["results"], strict=True):
            if not text:
                assert entry == []
                continue
            chosen = "Positive" if text.startswith("good") else "Negative"
            assert entry["result"][0]["value"] == {"choices": [chosen]}
            assert entry["model_version"] == label
            scores.setdefault((label, text), set()).add(round(entry["score"], 5))
    assert all(len(found) == 1 for found in scores.values())
    assert len({found.pop() for (_, text), found in scores.items() if text == "good"}) == len(
        {label for label, _ in scores}
    )


class _Current(ChangeListener):
    """A listener that says that it is current, without a connection."""

    def __init__(self, is_current: bool) -> None:
        super().__init__(lambda subject: None, lambda: None)
        self._is_current = is_current

    def is_current(self) -> bool:
        return self._is_current


def test_a_row_read_before_its_change_was_notified_is_not_cached():
    cache = RegistryCache()
    cache.listener = _Current(True)

    def read() -> _Entry:
        cache.drop("project 7")  # notified while the row was being read
        return _Entry("project 7", "old")

    assert cache.get(("project", "7.1"), read) == "old"
    assert cache.get(("project", "7.1"), lambda: _Entry("project 7", "new")) == "new"
    assert cache.get(("project", "7.1"), lambda: _Entry("project 7", "newer")) == "new"


def test_nothing_is_cached_without_a_listener_and_nothing_that_is_not_there():
    cache = RegistryCache()
    cache.listener = _Current(False)
    assert [cache.get(("a", 1), lambda v=v: _Entry("a", v)) for v in (1, 2)] == [1, 2]
    cache.listener = _Current(True)
    assert cache.get(("a", 1), lambda: None) is None
    assert cache.get(("a", 1), lambda: _Entry("a", 3)) == 3


def test_the_cache_is_bounded(monkeypatch):
    monkeypatch.setattr(registry_cache, "ENTRIES_MAX", 2)
    cache = RegistryCache()
    cache.listener = _Current(True)
    for number in range(5):
        cache.get(("a", number), lambda n=number: _Entry("a", n))
    assert len(cache._entries) <= 2

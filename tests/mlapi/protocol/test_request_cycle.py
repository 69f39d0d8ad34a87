"""The short cycle of Label Studio's routes: what it leaves out, and what it keeps."""

import gc
import json
import logging

import pytest
import structlog
from django.conf import settings as configured
from django.urls import resolve
from rest_framework.request import Request

from evals_backend import logs
from mlapi import request_cycle
from mlapi.urls import ROUTES
from tests.mlapi.caller import Caller

FORMATTER = logs.JSONLine(processors=[structlog.processors.JSONRenderer()])
ALL = list(configured.MIDDLEWARE)
LONG = [m for m in ALL if m != "mlapi.request_cycle.ProtocolMiddleware"]


def content(answer) -> tuple:
    """Status, reason, headers and body, without the id of the request in an error."""
    body = json.loads(answer.content) if answer.content else None
    if isinstance(body, dict) and "error" in body:
        body["error"].pop("request_id")
    headers = {name: value for name, value in answer.headers.items() if name != "Content-Length"}
    assert answer.headers["Content-Length"] == str(len(answer.content))
    return answer.status_code, answer.reason_phrase, headers, body


@pytest.mark.django_db
def test_an_answer_is_the_same_as_by_the_whole_chain(key, settings):
    requests = [
        ("get", "/health", {}),
        ("get", "/versions/", {}),
        ("post", "/setup", {}),
        ("get", "/predict", {}),
        ("get", "/versions", {"authorization": "Basic !!!"}),
    ]
    for base in ("", f"/k/{key.plain}", "/k/wrong"):
        for verb, path, headers in requests:
            settings.MIDDLEWARE = ALL
            short = content(getattr(Caller(base), verb)(path, **headers))
            settings.MIDDLEWARE = LONG
            assert short == content(getattr(Caller(base), verb)(path, **headers)), (base, path)


def test_each_path_is_resolved_as_django_resolves_it():
    matches = request_cycle._matches()
    assert len(matches) == 1 + 2 * len(ROUTES)
    for path, match in matches.items():
        assert (match.func, match.url_name) == (resolve(path).func, resolve(path).url_name)


@pytest.mark.django_db
def test_a_request_is_freed_with_its_answer_and_not_by_the_garbage_collector(call):
    def alive() -> list[Request]:
        return [found for found in gc.get_objects() if type(found) is Request]

    call.post("/versions")
    gc.collect()
    before = alive()  # such as those that other tests hold
    gc.disable()
    try:
        assert call.post("/versions").status_code == 200
        assert len(alive()) == len(before)
    finally:
        gc.enable()


@pytest.mark.django_db
def test_no_session_is_opened_and_no_cookie_set(call):
    answer = call.get("/versions")
    assert not hasattr(answer.wsgi_request, "session")
    assert not answer.cookies


@pytest.mark.django_db
def test_the_id_of_a_request_is_the_callers_own_and_ends_with_it(anonymous_caller):
    answer = anonymous_caller.get("/versions", **{"x-request-id": "r-17"})
    assert answer.json()["error"]["request_id"] == "r-17"
    assert structlog.contextvars.get_contextvars() == {}


@pytest.mark.django_db
def test_a_request_is_one_line_of_the_log_without_its_key(call, caplog):
    caplog.set_level("INFO")
    call.get("/versions?a=b")
    (record,) = [r for r in caplog.records if r.name == logs.REQUESTS]
    line = json.loads(FORMATTER.format(record))
    assert (line["code"], line["request"], line["level"]) == (200, "GET /versions?a=b", "info")
    assert line["event"] == "request_finished"
    assert line["request_id"] and line["timestamp"].endswith("Z")


def test_a_key_elsewhere_in_a_requests_line_is_masked():
    key = "telfva3veysa3h6qcvtdsnlo7oeekb72"
    record = logging.makeLogRecord(
        {"name": logs.REQUESTS, "msg": "request_finished", "levelname": "INFO", "code": 200}
        | {"request": f"GET /versions?key={key}", "request_id": key, "ip": "127.0.0.1"}
    )
    assert key not in FORMATTER.format(record)


@pytest.mark.django_db
def test_an_exception_outside_of_the_views_handling_is_an_error_in_json(call, monkeypatch, caplog):
    def broken(*args):
        raise RuntimeError("boom")

    monkeypatch.setattr("mlapi.views.counters.note_request", broken)
    answer = call.get("/versions")
    assert answer.status_code == 500
    assert answer.json()["error"]["code"] == "internal_error"
    assert "request_failed" in caplog.text

"""The lane of each path, and the events that are recorded as missed."""

import socket

import pytest

from evals_backend.web.connection import Connection
from evals_backend.web.lanes import Job
from evals_backend.web.messages import Head
from evals_backend.web.site import Site
from mlapi import gaps
from mlapi.monitoring import counters


class Answers:
    """An application that answers everything with one status."""

    def __init__(self, status: str) -> None:
        self._status = status

    def __call__(self, environ, start_response):
        start_response(self._status, [])
        return [b""]

    def cached(self, kind):
        return None


@pytest.mark.parametrize(
    ("path", "lane"),
    [
        ("/", "health"),
        ("/k/abc/health/", "health"),
        ("/k/abc/ready", "health"),
        ("/k/abc/webhook", "quick"),
        ("/setup/", "quick"),
        ("/k/abc/is_training", "quick"),
        ("/k/abc/predict", "predict"),
        ("/k/abc/versions", "pages"),
        ("/admin/", "pages"),
        ("/api/projects/", "pages"),
        ("/admin/webhook", "pages"),
    ],
)
def test_each_kind_of_request_has_a_lane(path, lane):
    site = Site(Answers("200 OK"))
    assert site.lane(path) == lane
    assert lane in site.limits


def test_the_path_of_a_proxy_is_no_part_of_a_route(settings):
    settings.PUBLIC_URL = "https://example.com/ml"
    assert Site(Answers("200 OK")).lane("/ml/k/abc/predict") == "predict"


@pytest.mark.parametrize(
    ("path", "status", "is_missed"),
    [
        ("/k/abc/webhook", "503 The database does not answer", True),
        ("/webhook/", "500 Internal Server Error", True),
        ("/k/abc/webhook", "201 Created", False),
        ("/k/abc/webhook", "400 Bad Request", False),
        ("/k/abc/predict", "503 Service Unavailable", False),
    ],
)
def test_an_event_that_was_not_stored_is_noted(path, status, is_missed):
    gaps.take()
    Site(Answers(status)).application({"PATH_INFO": path}, lambda *_: None)
    assert gaps.take() is is_missed
    assert not gaps.take()


def test_a_request_that_too_many_wait_before_is_counted_and_has_no_time_to_answer():
    refused = counters.OVERLOAD_REFUSALS.labels("predict")._value
    counted = counters.REQUESTS.labels("predict", "POST", "503")._value
    answered = counters.SECONDS.labels("predict")._sum
    before = refused.get(), counted.get(), answered.get()
    raw = b"POST /k/abc/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"
    address = ("127.0.0.1", 1)
    client, other = socket.socketpair()
    with client, other:
        job = Job(Connection(client, address), Head(raw, address), b"")
        Site(Answers("200 OK")).refused(job, 503)
    after = refused.get(), counted.get(), answered.get()
    assert after == (before[0] + 1, before[1] + 1, before[2])

"""The cache of heads: each is parsed once, and used as if it had been parsed for each request."""

from collections.abc import Callable

import pytest
from gunicorn.http import wsgi

from evals_backend.web.messages import Exchange, Head, HeadCache, RequestRefused

CLIENT, SERVER = ("10.0.0.7", 40_001), ("10.0.0.1", 9090)


def head(length: str | None = "5", *more: str, path: str = "/k/abc/predict") -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: backend:9090", *more]
    if length is not None:
        lines.insert(2, f"Content-Length: {length}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def environ(parsed: Head, client: tuple = CLIENT, body: bytes = b"") -> dict:
    found = Exchange(parsed, client, SERVER, body).environ
    del found["wsgi.input"], found["wsgi.errors"]
    return found


def _hello(environ: dict, start_response: Callable) -> list[bytes]:
    start_response("200 OK", [("Content-Length", "5")])
    return [b"hello"]


@pytest.mark.parametrize(
    "raw",
    [
        head(),
        head("0"),
        head(None),
        head("1234567"),
        head("5", "Authorization: Basic YTpi", "X-Request-ID: 17", "Cookie: a=b"),
        head("5", "X-Forwarded-Proto: https", "X-Forwarded-For: 1.2.3.4"),
        head("5", "Accept: a", "Accept: b", "Connection: close"),
        head("5", path="/predict/?a=b&content-length=7"),
    ],
)
def test_a_cached_head_has_the_environment_of_a_new_one(raw):
    heads = HeadCache()
    for _ in range(3):
        again = heads.parse(raw, CLIENT)
        new = Head(raw, CLIENT)
        assert environ(again) == environ(new)
        assert (again.length, again.keeps_alive) == (new.length, new.keeps_alive)


def test_requests_that_differ_in_their_length_share_a_head_but_nothing_of_their_own():
    heads = HeadCache()
    first = Exchange(heads.parse(head("5"), CLIENT), CLIENT, SERVER, b"12345")
    first.environ["PATH_INFO"] = "/changed"
    first.force_close()
    parsed = heads.parse(head("77"), CLIENT)
    second = Exchange(parsed, (CLIENT[0], 40_002), SERVER, b"x" * 77)
    assert parsed.request is heads.parse(head("5"), CLIENT).request
    found = [
        (e.environ["CONTENT_LENGTH"], e.environ["REMOTE_PORT"], len(e.environ["wsgi.input"].read()))
        for e in (first, second)
    ]
    assert found == [("5", "40001", 5), ("77", "40002", 77)]
    assert second.environ["PATH_INFO"] == "/k/abc/predict"
    assert b"Connection: close" in first.answer(_hello)
    assert b"Connection: keep-alive" in second.answer(_hello)


def test_a_head_whose_first_request_was_refused_has_its_environment_made_once(monkeypatch):
    made = []
    create = wsgi.create
    monkeypatch.setattr(wsgi, "create", lambda *args: made.append(1) or create(*args))
    heads = HeadCache()
    heads.parse(head(), CLIENT)  # and no more of it
    for _ in range(3):
        environ(heads.parse(head(), CLIENT))
    assert len(made) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (head(), head("5", "Authorization: Basic YTpi")),
        (head(), head(path="/k/abd/predict")),
        (head(), head(None)),
    ],
)
def test_heads_that_differ_elsewhere_are_parsed_each(one, other):
    heads = HeadCache()
    assert heads.parse(one, CLIENT).request is not heads.parse(other, CLIENT).request


def test_the_same_head_from_another_address_is_parsed_again():
    heads = HeadCache()
    first, second = (heads.parse(head(), (ip, 1)) for ip in ("10.0.0.7", "10.0.0.8"))
    assert first.request is not second.request
    assert environ(second, ("10.0.0.8", 1))["REMOTE_ADDR"] == "10.0.0.8"


@pytest.mark.parametrize(
    "bad",
    [
        head("5", "Content-Length: 5"),
        head("5", "Content-Length: 6"),
        head("5", "Transfer-Encoding: chunked"),
        head("+5"),
        head("5", "Bad name: x"),
    ],
)
def test_what_is_refused_is_refused_each_time_and_after_a_good_one(bad):
    heads = HeadCache()
    heads.parse(head(), CLIENT)
    for _ in range(2):
        with pytest.raises(RequestRefused):
            heads.parse(bad, CLIENT)


@pytest.mark.parametrize(
    "raw",
    [
        head(None, "Transfer-Encoding: chunked"),
        head("5", "X-Request-ID: 1"),
        head("5", "cookie: sessionid=secret"),
        head("5", f"X-Long: {'x' * 3_000}"),
    ],
)
def test_heads_with_a_cookie_or_a_request_id_and_large_or_chunked_ones_are_not_cached(raw):
    heads = HeadCache()
    first, second = (heads.parse(raw, CLIENT) for _ in range(2))
    assert first.request is not second.request
    assert first.is_chunked == second.is_chunked == (b"chunked" in raw)


def test_the_cache_evicts_the_least_recently_used_head(monkeypatch):
    monkeypatch.setattr("evals_backend.web.messages._CACHED_HEADS_MAX", 2)
    heads = HeadCache()

    def parsed(raw: bytes) -> object:
        return heads.parse(raw, CLIENT).request

    first = parsed(head(path="/1"))
    parsed(head(path="/2"))
    assert parsed(head(path="/1")) is first  # met again, it outlives the other
    third = parsed(head(path="/3"))
    assert parsed(head(path="/1")) is first
    assert parsed(head(path="/3")) is third

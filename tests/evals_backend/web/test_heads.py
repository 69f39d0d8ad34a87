"""Heads that are met again: parsed once, and as if each had been parsed."""

from collections.abc import Callable

import pytest

from evals_backend.web.messages import Exchange, Head, Heads, Refused

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
def test_a_head_that_is_met_again_has_the_environment_of_a_new_one(raw):
    heads = Heads()
    for _ in range(3):
        again = heads.parse(raw, CLIENT)
        new = Head(raw, CLIENT)
        assert environ(again) == environ(new)
        assert (again.length, again.keeps_alive) == (new.length, new.keeps_alive)


def test_requests_that_differ_in_their_length_share_a_head_but_nothing_of_their_own():
    heads = Heads()
    first, second = (heads.parse(head(length), CLIENT) for length in ("5", "77"))
    assert second.request is first.request
    exchanges = [
        Exchange(first, CLIENT, SERVER, b"12345"),
        Exchange(second, (CLIENT[0], 40_002), SERVER, b"x" * 77),
    ]
    exchanges[0].environ["PATH_INFO"] = "/changed"
    exchanges[0].force_close()
    found = [
        (e.environ["CONTENT_LENGTH"], e.environ["REMOTE_PORT"], len(e.environ["wsgi.input"].read()))
        for e in exchanges
    ]
    assert found == [("5", "40001", 5), ("77", "40002", 77)]
    assert exchanges[1].environ["PATH_INFO"] == "/k/abc/predict"
    closing, open_ = (exchange.answer(_hello) for exchange in exchanges)
    assert b"Connection: close" in closing
    assert b"Connection: keep-alive" in open_


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (head(), head("5", "Authorization: Basic YTpi")),
        (head(), head(path="/k/abd/predict")),
        (head(), head(None)),
        (head("5", "X-Request-ID: 1"), head("5", "X-Request-ID: 2")),
    ],
)
def test_heads_that_differ_elsewhere_are_parsed_each(one, other):
    heads = Heads()
    assert heads.parse(one, CLIENT).request is not heads.parse(other, CLIENT).request


def test_the_same_head_from_another_address_is_parsed_anew():
    heads = Heads()
    ours, theirs = (heads.parse(head(), (ip, 1)) for ip in ("10.0.0.7", "10.0.0.8"))
    assert ours.request is not theirs.request
    assert environ(theirs, ("10.0.0.8", 1))["REMOTE_ADDR"] == "10.0.0.8"


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
    heads = Heads()
    heads.parse(head(), CLIENT)
    for _ in range(2):
        with pytest.raises(Refused):
            heads.parse(bad, CLIENT)


def test_a_chunked_body_is_known_as_one_each_time():
    heads = Heads()
    raw = head(None, "Transfer-Encoding: chunked")
    assert all(heads.parse(raw, CLIENT).is_chunked for _ in range(2))


def test_few_heads_are_kept_and_no_long_ones(monkeypatch):
    monkeypatch.setattr("evals_backend.web.messages._HEADS_KEPT", 2)
    heads = Heads()

    def parsed(raw: bytes) -> object:
        return heads.parse(raw, CLIENT).request

    first = parsed(head(path="/1"))
    parsed(head(path="/2"))
    assert parsed(head(path="/1")) is first  # met again, it outlives the other
    third = parsed(head(path="/3"))
    assert parsed(head(path="/1")) is first
    assert parsed(head(path="/3")) is third
    long = head("5", f"X-Long: {'x' * 3_000}")
    assert parsed(long) is not parsed(long)

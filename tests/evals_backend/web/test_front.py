"""The front: whole requests, deadlines, what is refused, and its end."""

import os
import socket
import time

import pytest

from evals_backend.web import connection as connections
from evals_backend.web import front, lanes
from evals_backend.web.lanes import Limits
from tests.waiting import PATIENCE_S, eventually

from .served import LARGE, Client, TestSite, get, post, serving


@pytest.fixture
def site():
    return TestSite()


@pytest.fixture
def address(site):
    with serving(site) as address:
        yield address


def test_requests_on_one_connection_are_answered_one_after_the_other(address):
    client = Client(address)
    for n in range(3):
        client.send(post("/echo", b"%d" % n))
        assert client.answer()[2] == b"%d" % n


def test_requests_that_are_sent_at_once_are_answered_in_order(address):
    client = Client(address)
    client.send(post("/echo", b"one") + get("/instant") + post("/echo", b"three"))
    assert [client.answer()[2] for _ in range(3)] == [b"one", b"instant", b"three"]


def test_a_request_that_comes_byte_by_byte_is_one_request(address):
    client = Client(address)
    for byte in post("/echo", b"slowly"):
        client.send(bytes([byte]))
    assert client.answer()[2] == b"slowly"


def test_a_large_body_and_a_large_answer_come_whole(address, site):
    body = os.urandom(site.body_max)
    client = Client(address)
    client.send(post("/echo", body))
    assert client.answer()[2] == body
    client.send(get("/large"))
    assert len(client.answer()[2]) == LARGE


def test_an_answer_is_sent_before_the_application_completes_the_request(address, site):
    client = Client(address)
    for path in ("/then", "/echo"):  # the connection takes the next one meanwhile
        client.send(post(path, b"sent"))
        assert client.answer()[2] == b"sent"
    assert eventually(lambda: site.completed == ["/echo"])
    site.released.set()
    assert eventually(lambda: site.completed == ["/echo", "/then"])


def test_an_application_that_fails_after_its_answer_affects_no_other_request(address, site):
    client = Client(address)
    for path in ("/then-raises",) * 3 + ("/echo",):
        client.send(post(path, b"sent"))
        assert client.answer()[2] == b"sent"
    assert eventually(lambda: site.completed == ["/echo"])


def test_a_client_that_waits_for_leave_to_send_its_body_gets_it(address):
    client = Client(address)
    whole = post("/echo", b"body", "Expect: 100-continue")
    client.send(whole[:-4])
    assert client.socket.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
    client.send(b"body")
    assert client.answer()[2] == b"body"


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"GET /" + b"a" * 5_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nX: " + b"a" * 9_000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nX: " + b"a" * 70_000, 431),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
    ],
)
def test_an_invalid_request_is_refused_and_the_connection_closed(address, head, status):
    client = Client(address)
    client.send(head)
    assert client.answer()[0] == status
    assert client.is_closed()


@pytest.mark.parametrize("headers", [("Connection: close",), ("Transfer-Encoding: chunked",)])
def test_after_an_answer_that_says_so_the_connection_is_closed(address, headers):
    client = Client(address)
    client.send(get("/", *headers))
    status, answered, _ = client.answer()
    assert (status, answered["connection"]) == (200, "close")
    assert client.is_closed()


def test_a_body_above_the_limit_reaches_the_view_without_being_read(address, site):
    client = Client(address)
    client.send(post("/echo", b"x" * (site.body_max + 1)))
    status, answered, body = client.answer()
    assert (status, answered["connection"], body) == (200, "close", b"")
    assert int(site.environs[0]["CONTENT_LENGTH"]) == site.body_max + 1


def test_a_client_that_leaves_while_it_is_turned_away_costs_only_its_connection():
    site = TestSite(slow=Limits(1, 4, 0.2))
    with serving(site) as address:
        first, gone = Client(address), Client(address)
        first.send(get("/slow/first"))
        eventually(lambda: site.environs)
        gone.send(get("/slow/gone") + post("/echo", b"body", "Expect: 100-continue")[:-4])
        gone.socket.close()
        eventually(lambda: ("/slow/gone", 503) in site.refusals)
        another = Client(address)
        another.send(post("/echo", b"still there"))
        assert another.answer()[2] == b"still there"


def test_requests_of_a_full_lane_that_are_sent_at_once_are_all_refused_in_order():
    site = TestSite(slow=Limits(1, 4, 0.2), fast=Limits(0, 0, 60.0))
    with serving(site) as address:
        first, many = Client(address), Client(address)
        first.send(get("/slow/first"))
        eventually(lambda: site.environs)
        many.send(get("/slow/second") + 500 * get("/full"))
        eventually(lambda: ("/slow/second", 503) in site.refusals)
        assert [many.answer()[0] for _ in range(501)] == [503] * 501
        another = Client(address)
        another.send(get("/instant"))
        assert another.answer()[2] == b"instant"


def test_a_view_that_raises_is_answered_500_as_json(address):
    client = Client(address)
    client.send(get("/raises"))
    status, headers, body = client.answer()
    assert (status, headers["content-type"]) == (500, "application/json")
    assert b"internal_error" in body


@pytest.mark.parametrize("sent", [b"", b"GET / HT", post("/echo", b"whole")[:-1]])
def test_a_client_that_stops_sending_loses_its_connection(site, monkeypatch, sent):
    for name in ("IDLE_S", "HEAD_S", "BODY_S"):
        monkeypatch.setattr(connections, name, 0.3)
    listener = socket.create_server(("127.0.0.1", 0))
    client = Client(listener.getsockname())
    client.send(sent)  # before a deadline begins
    with serving(site, listener=listener):
        if sent:
            assert client.answer()[0] == 408
        assert client.is_closed()
    assert site.environs == []


def test_a_head_that_dribbles_has_one_deadline_in_all(site, monkeypatch):
    monkeypatch.setattr(connections, "HEAD_S", 0.5)
    monkeypatch.setattr(connections, "LINGER_S", 0.2)
    with serving(site) as address:
        client = Client(address)
        started_at = time.monotonic()
        with pytest.raises(ConnectionError):
            while time.monotonic() - started_at < PATIENCE_S:
                client.send(b"x")
                time.sleep(0.05)


def test_slow_and_idle_clients_take_no_thread(address, site, monkeypatch):
    for name in ("IDLE_S", "HEAD_S", "BODY_S"):
        monkeypatch.setattr(connections, name, 10 * PATIENCE_S)  # none is let go meanwhile
    kinds = (b"", b"GET / HT", post("/echo", b"whole")[:-1])
    slow = [Client(address) for _ in range(300)]
    for n, client in enumerate(slow):
        client.send(kinds[n % len(kinds)])
    readers = [Client(address) for _ in range(10)]
    for client in readers:
        client.send(get("/large"))  # and they read nothing
    client = Client(address)
    for _ in range(20):
        client.send(post("/echo", b"quick"))
        assert client.answer()[2] == b"quick"
    for client in [*slow, *readers]:
        client.close()


def test_a_request_with_a_lane_of_its_own_waits_for_no_other_lane(address, site):
    slow = [Client(address) for _ in range(4)]
    for client in slow:
        client.send(get("/slow"))
    client = Client(address)
    client.send(get("/fast"))
    assert client.answer()[0] == 200
    site.released.set()
    assert [client.answer()[0] for client in slow] == [200] * 4


def test_more_requests_than_may_wait_are_refused_at_once_and_the_connection_stays_open(
    address, site
):
    slow = [Client(address) for _ in range(6)]  # two threads, and four that wait
    for client in slow:
        client.send(get("/slow"))
    assert eventually(lambda: len(site.environs) == 2)
    client = Client(address)
    for _ in range(3):
        client.send(get("/slow"))
        status, headers, body = client.answer()
        assert (status, headers["connection"]) == (503, "keep-alive")
        assert int(headers["retry-after"]) > 0
        assert b"overloaded" in body
    assert site.refusals == [("/slow", 503)] * 3
    site.released.set()
    assert [client.answer()[0] for client in slow] == [200] * 6


def test_a_request_that_has_waited_for_too_long_is_refused_and_not_carried_out(monkeypatch):
    site = TestSite(slow=Limits(threads=1, waiting=4, wait_s=PATIENCE_S))
    with serving(site) as address:
        first, second = Client(address), Client(address)
        first.send(get("/slow/first"))
        assert eventually(lambda: len(site.environs) == 1)
        monkeypatch.setattr(lanes, "monotonic", lambda: 1_000 * time.monotonic())
        second.send(get("/slow/second"))
        assert second.answer()[0] == 503
        site.released.set()
        assert first.answer()[0] == 200
    assert [environ["PATH_INFO"] for environ in site.environs] == ["/slow/first"]


def test_a_stop_finishes_what_was_begun(site):
    with serving(site) as address:
        client = Client(address)
        client.send(post("/slow", b"begun"))
        assert eventually(lambda: len(site.environs) == 1)
    assert client.answer()[2] == b"begun"  # `serving` has released it, and waited for the end
    assert client.is_closed()


def test_two_processes_share_the_connections(site, monkeypatch):
    monkeypatch.setattr(front, "_DECLINE_S", 0.3)  # in which a busy machine lets the other come
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    counts, other = [0, 0], TestSite()
    with serving(site, counts, 0, listener) as address, serving(other, counts, 1, listener):
        clients = [Client(address) for _ in range(8)]
        for client in clients:
            client.send(get("/"))
            assert client.answer()[0] == 200
        assert sum(counts) == 8
        assert min(counts) >= 2
        assert len(site.environs) + len(other.environs) == 8


def test_a_process_that_accepts_nothing_delays_no_client(site):
    counts = [0, 0]  # of which the second has always fewer
    with serving(site, counts) as address:
        clients = [Client(address) for _ in range(8)]
        for client in clients:
            client.send(get("/"))
        assert [client.answer()[0] for client in clients] == [200] * 8


def test_where_descriptors_run_out_the_idle_make_room(site, monkeypatch):
    monkeypatch.setattr(front, "_RESERVED_DESCRIPTORS", 4_000 - 10)
    with serving(site) as address:
        idle = [Client(address) for _ in range(30)]
        client = Client(address)
        client.send(get("/"))
        assert client.answer()[0] == 200
        assert idle[0].is_closed()

"""The web server in a thread of the tests, with an application of theirs."""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from evals_backend.web.front import Front, Share
from evals_backend.web.lanes import Limits
from tests.waiting import PATIENCE_S

LARGE = 5_000_000


class Signals:
    """A replacement for StopSignals, which only a main thread can have."""

    def __init__(self) -> None:
        self.count = 0
        self._wake = os.eventfd(0, os.EFD_NONBLOCK)

    def fileno(self) -> int:
        return self._wake

    def drain(self) -> None:
        os.eventfd_read(self._wake)

    def stop(self) -> None:
        self.count += 1
        os.eventfd_write(self._wake, 1)


class Result(list):
    """The result of a WSGI application; `close` is called once it was sent."""

    def __init__(self, chunks: list[bytes], close: Callable[[], None]) -> None:
        super().__init__(chunks)
        self.close = close


class TestSite:
    """Paths under /slow wait for `released`; all others answer what they got.

    After the answer of /then it waits for `released`, and of /then-raises it fails.
    """

    __test__ = False
    body_max = 1_000_000

    def __init__(self, **limits: Limits) -> None:
        self.limits = {"fast": Limits(2, 16, 60.0), "slow": Limits(2, 4, PATIENCE_S)} | limits
        self.released = threading.Event()
        self.environs: list[dict] = []
        self.refusals: list[tuple[str, int]] = []
        self.completed: list[str] = []

    def lane(self, path: str) -> str:
        return "slow" if path.startswith("/slow") else "fast"

    def instant(self, raw: bytes, address: tuple) -> bytes | None:
        if not raw.startswith(b"GET /instant "):
            return None
        return b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\ninstant"

    def application(self, environ: dict, start_response: Callable) -> "Result":
        self.environs.append(environ)
        path, body = environ["PATH_INFO"], environ["wsgi.input"].read()
        if path.startswith("/slow"):
            self.released.wait(PATIENCE_S)
        if path == "/raises":
            raise ValueError("broken")
        if path == "/large":
            body = b"x" * LARGE
        start_response("200 OK", [("Content-Length", str(len(body)))])
        return Result([body], partial(self._complete, path))

    def _complete(self, path: str) -> None:
        if path == "/then":
            self.released.wait(PATIENCE_S)
        if path == "/then-raises":
            raise ValueError("broken")
        self.completed.append(path)

    def refused(self, job, status: int) -> None:
        self.refusals.append((job.path, status))


@contextmanager
def serving(site: TestSite, counts=None, own: int = 0, listener=None) -> Iterator[tuple[str, int]]:
    """The address at which the site is served."""
    if listener is None:
        listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    listener.setblocking(False)
    signals = Signals()
    front = Front(listener, site, Share(counts if counts is not None else [0], own), 4_000)
    thread = threading.Thread(target=front.run, args=(signals,))
    thread.start()
    try:
        yield listener.getsockname()
    finally:
        site.released.set()
        signals.stop()
        thread.join(PATIENCE_S)
        assert not thread.is_alive()


class Client:
    """A connection on which bytes are sent and answers read as they come."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.socket = socket.create_connection(address, timeout=PATIENCE_S)
        self._rest = b""

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def answer(self) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of the next answer."""
        while b"\r\n\r\n" not in self._rest:
            self._more()
        head, _, self._rest = self._rest.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in lines)}
        length = int(headers["content-length"])
        while len(self._rest) < length:
            self._more()
        body, self._rest = self._rest[:length], self._rest[length:]
        return int(first.split()[1]), headers, body

    def is_closed(self) -> bool:
        """Whether the server has closed the connection, as soon as it does."""
        try:
            return self.socket.recv(1) == b""
        except ConnectionError:
            return True

    def close(self) -> None:
        self.socket.close()

    def _more(self) -> None:
        data = self.socket.recv(1_000_000)
        if not data:
            raise ConnectionError("closed before the answer was whole")
        self._rest += data


def get(path: str, *headers: str) -> bytes:
    """A GET's bytes."""
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: localhost", *headers, "", ""]).encode()


def post(path: str, body: bytes, *headers: str) -> bytes:
    """A POST's bytes."""
    length = f"Content-Length: {len(body)}"
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", length, *headers, "", ""]
    return "\r\n".join(lines).encode() + body

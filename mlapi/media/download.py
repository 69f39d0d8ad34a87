"""Reads a server's response within its limits of time and size."""

import hashlib
import math
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import IO

import httpx

from mlapi.domain import InputError

REDIRECTS = frozenset({301, 302, 303, 307, 308})
NOT_MODIFIED = 304
# Sent with every request. A file is stored as it is sent, so nothing is ever unpacked.
HEADERS = {"User-Agent": "evals-backend", "Accept": "*/*", "Accept-Encoding": "identity"}

_CODES = {401: "media_forbidden", 403: "media_forbidden", 404: "media_not_found"}
_CODES |= {410: "media_not_found"}


class Deadline:
    """The time limit of one download, from when its `with` is entered.

    A timeout of single reads is no limit, as a server may send a byte now and then. So the
    sockets are shut down at the deadline, which interrupts the threads that wait for them.
    """

    def __init__(self, timeout_s: float) -> None:
        self.timeout_s = timeout_s
        self._ends_at = math.inf
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._is_cut = False
        self._timer = threading.Timer(timeout_s, self.cut)
        self._timer.daemon = True

    def __enter__(self) -> "Deadline":
        self._ends_at = monotonic() + self.timeout_s
        self._timer.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._timer.cancel()
        with self._lock:
            while self._sockets:
                self._sockets.pop().close()

    @property
    def is_over(self) -> bool:
        return self._is_cut or monotonic() >= self._ends_at

    def left(self) -> float:
        """The seconds that are left. Raises InputError at the deadline."""
        if self.is_over:
            raise self.problem()
        return max(self._ends_at - monotonic(), 0.001)

    def watch(self, connection: socket.socket) -> None:
        """Shut this connection down at the deadline. Its owner closes it, and may use TLS on it."""
        duplicate = socket.socket(fileno=os.dup(connection.fileno()))
        with self._lock:
            self._sockets.append(duplicate)
            if self._is_cut:
                _shut(duplicate)

    def cut(self) -> None:
        """Shut all connections down now."""
        with self._lock:
            self._is_cut = True
            for connection in self._sockets:
                _shut(connection)

    def problem(self) -> InputError:
        """The error of a download that took too long."""
        return InputError("media_timeout", f"The file was not there after {self.timeout_s:g} s.")


@dataclass
class Response:
    """A response whose body has not been read; `who` is the server's name for messages."""

    who: str
    status: int
    headers: httpx.Headers
    chunks: Iterator[bytes]


def save(
    response: Response, file: IO[bytes], max_bytes: int, deadline: Deadline
) -> tuple[str, int]:
    """Write the body to `file`; its SHA-256 and size. Raises InputError, and errors of reading.

    Nothing is written beyond `max_bytes`.
    """
    _require_a_file(response, max_bytes)
    digest, size = hashlib.sha256(), 0
    for chunk in response.chunks:
        size += len(chunk)
        if size > max_bytes:
            raise too_large(max_bytes)
        digest.update(chunk)
        file.write(chunk)
        deadline.left()
    deadline.left()  # a connection that was shut down may look like the end of the body
    if not size:
        raise InputError("media_empty", f"{response.who} answers with an empty file.")
    return digest.hexdigest(), size


def too_large(max_bytes: int) -> InputError:
    """The error for a file above the limit."""
    return InputError(
        "media_too_large", f"The file is larger than {max_bytes / 2**20:g} MB (MEDIA_MAX_MB)."
    )


def _require_a_file(response: Response, max_bytes: int) -> None:
    if response.status != 200:
        code = _CODES.get(response.status, "media_unreachable")
        raise InputError(code, f"{response.who} answers {response.status} for this file.")
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise InputError("media_unsupported", f"{response.who} sends the file compressed.")
    declared = response.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > max_bytes:
        raise too_large(max_bytes)


def _shut(connection: socket.socket) -> None:
    with suppress(OSError):  # closed by the other side
        connection.shutdown(socket.SHUT_RDWR)

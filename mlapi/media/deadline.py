"""Ends one fetch at its deadline, or at once, whatever its sockets are waiting for."""

import math
import os
import socket
import threading
from contextlib import suppress
from time import monotonic

from mlapi.domain import InputProblem


class Deadline:
    """The time that one fetch has, from when its `with` is entered.

    The time limit of a single read bounds nothing: a server that sends a byte now and then
    never meets it. So the sockets themselves are shut at the deadline, which wakes whoever
    waits for them.
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
        """Seconds that are left. Raises InputProblem if none are."""
        if self.is_over:
            raise self.problem()
        return max(self._ends_at - monotonic(), 0.001)

    def watch(self, connection: socket.socket) -> None:
        """Shut this connection too. Its owner closes it, and may put TLS on it."""
        ours = socket.socket(fileno=os.dup(connection.fileno()))
        with self._lock:
            self._sockets.append(ours)
            if self._is_cut:
                _shut(ours)

    def cut(self) -> None:
        """End it now."""
        with self._lock:
            self._is_cut = True
            for connection in self._sockets:
                _shut(connection)

    def problem(self) -> InputProblem:
        """What there is to say of a fetch that took too long."""
        return InputProblem("media_timeout", f"The file was not there after {self.timeout_s:g} s.")


def _shut(connection: socket.socket) -> None:
    with suppress(OSError):  # the other side was faster
        connection.shutdown(socket.SHUT_RDWR)

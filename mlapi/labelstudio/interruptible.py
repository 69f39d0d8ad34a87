"""Lets the calls of an HTTP client end in the middle: at a deadline, or when its caller says so.

httpx has a limit for each step, a read among them, so that a server that sends a byte now and then
holds its caller for ever. Here every wait for the network is made of short ones.
"""

import queue
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

import httpcore
import httpx

from mlapi.labelstudio.errors import OutOfTime

_SLICE_S = 0.25
_FAILURES = (
    *(OSError, httpcore.NetworkError, httpcore.TimeoutException),
    *(httpcore.ProtocolError, httpcore.UnsupportedProtocol, ValueError),
)

Checkpoint = Callable[[], None]


def within(seconds: float, message: str, checkpoint: Checkpoint = lambda: None) -> Checkpoint:
    """The checkpoint, which raises OutOfTime with the message once so many seconds have passed."""
    ends_at = time.monotonic() + seconds

    def check() -> None:
        checkpoint()
        if time.monotonic() > ends_at:
            raise OutOfTime(message)

    return check


class InterruptibleNetwork(httpcore.NetworkBackend):
    """The network of one client. `checkpoint` is called while it waits, and raises to end it."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self._checkpoint = checkpoint
        self._sockets = httpcore.SyncBackend()
        self._of_thread = threading.local()

    def limit_next_exchange(self, seconds: float) -> None:
        """This thread's next exchange may take so long, from its first byte to its last."""
        self._of_thread.ends_at = time.monotonic() + seconds

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """A connection; the name's look-up, which has no time limit of its own, counts as well."""
        stream = self.run_in_thread(
            lambda left: self._sockets.connect_tcp(host, port, left, local_address, socket_options),
            timeout,
            httpcore.ConnectTimeout,
        )
        return _Stream(stream, self)

    def seconds_left(self, timeout: float | None, expired: type[Exception]) -> float:
        """The seconds that a step may take. Raises `expired`, and what the checkpoint raises."""
        self._checkpoint()
        left = getattr(self._of_thread, "ends_at", float("inf")) - time.monotonic()
        if left <= 0:
            raise expired("the exchange took too long")
        return left if timeout is None else min(left, timeout)

    def run_in_slices(
        self, step: Callable[[float], Any], timeout: float | None, expired: type[Exception]
    ) -> Any:
        """The result of a step that can be tried again after its time-out."""
        until = time.monotonic() + self.seconds_left(timeout, expired)
        while True:
            left = min(self.seconds_left(timeout, expired), until - time.monotonic())
            if left <= 0:
                raise expired("no answer in time")
            try:
                return step(min(left, _SLICE_S))
            except expired:
                continue

    def run_in_thread(
        self, step: Callable[[float], Any], timeout: float | None, expired: type[Exception]
    ) -> Any:
        """The result of a step that cannot be tried again: in a thread, which is left behind."""
        results: queue.SimpleQueue[Any] = queue.SimpleQueue()
        seconds = self.seconds_left(timeout, expired)

        def run() -> None:
            try:
                results.put((step(seconds), None))
            except _FAILURES as error:
                results.put((None, error))

        threading.Thread(target=run, name="connect", daemon=True).start()

        def result(left: float) -> Any:
            try:
                return results.get(timeout=left)
            except queue.Empty:
                raise expired("no connection in time") from None

        value, error = self.run_in_slices(result, seconds + _SLICE_S, expired)
        if error is not None:
            raise error
        return value


class _Stream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream, network: InterruptibleNetwork) -> None:
        self._stream = stream
        self._network = network

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._network.run_in_slices(
            lambda left: self._stream.read(max_bytes, left), timeout, httpcore.ReadTimeout
        )

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        # Not sliced: a part may have been sent. What is sent to Label Studio is small.
        self._stream.write(buffer, self._network.seconds_left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        stream = self._network.run_in_thread(
            lambda left: self._stream.start_tls(ssl_context, server_hostname, left),
            timeout,
            httpcore.ConnectTimeout,
        )
        return _Stream(stream, self._network)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def install(client: httpx.Client, network: InterruptibleNetwork) -> None:
    """Let the client use that network, also by the proxies that the environment names.

    httpx passes none on to httpcore, which takes one; so this reaches into both.
    """
    for transport in (client._transport, *client._mounts.values()):
        if isinstance(transport, httpx.HTTPTransport):
            transport._pool._network_backend = network

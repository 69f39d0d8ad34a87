"""The deadline of a request's queries, enforced by the client, as a frozen server cannot."""

import select
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

import psycopg2
from psycopg2 import extensions

_local = threading.local()
_LONGEST_S = 600.0  # of one wait that has no deadline


def install() -> None:
    """Apply the thread's deadline to every query and every new connection of this process.

    COPY and large objects cannot be used from then on.
    """
    extensions.set_wait_callback(_wait)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Limit the total time that this thread waits for the database, within any outer limit.

    Time between queries does not count. A query that would wait for longer raises
    OperationalError, and its connection is lost.
    """
    outer: float | None = getattr(_local, "left", None)
    _local.left = limit = seconds if outer is None else min(outer, seconds)
    try:
        yield
    finally:
        _local.left = None if outer is None else outer - (limit - _local.left)


def _wait(connection: Any) -> None:
    state = connection.poll()
    while state != extensions.POLL_OK:
        _wait_for(connection.fileno(), state)  # another socket, perhaps, in each step of connecting
        state = connection.poll()


def _wait_for(descriptor: int, state: int) -> None:
    left: float | None = getattr(_local, "left", None)
    poll = select.poll()
    poll.register(descriptor, select.POLLIN if state == extensions.POLL_READ else select.POLLOUT)
    began = monotonic()
    is_ready = poll.poll(1000 * max(0.0, _LONGEST_S if left is None else left))
    if left is not None:
        _local.left = left - (monotonic() - began)
    if not is_ready:
        raise psycopg2.OperationalError("the database did not answer in time")

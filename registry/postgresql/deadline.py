"""The deadline of a request's queries, kept by the client: a frozen server keeps none."""

import select
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from time import monotonic
from typing import Any

import psycopg2
from psycopg2 import extensions

_local = threading.local()
_LONGEST_S = 600.0  # of what has no deadline


def install() -> None:
    """Have every query of this process, and every connection's start, keep its thread's deadline.

    COPY and large objects cannot be used from then on.
    """
    extensions.set_wait_callback(_wait)


@contextmanager
def within(until: float) -> Iterator[None]:
    """The thread's queries end at that monotonic time, or at an earlier one that is set already.

    One that does not raises OperationalError, and its connection is lost.
    """
    before = getattr(_local, "until", None)
    _local.until = until if before is None else min(before, until)
    try:
        yield
    finally:
        _local.until = before


def lasting(seconds: float) -> AbstractContextManager[None]:
    """As `within`, from now on."""
    return within(monotonic() + seconds)


def _wait(connection: Any) -> None:
    until = getattr(_local, "until", None)
    if until is None:
        until = monotonic() + _LONGEST_S
    poll = None
    while True:
        state = connection.poll()
        if state == extensions.POLL_OK:
            return
        if poll is None:
            poll = select.poll()
        # The socket may be another in each step of connecting.
        descriptor = connection.fileno()
        poll.register(
            descriptor, select.POLLIN if state == extensions.POLL_READ else select.POLLOUT
        )
        left = until - monotonic()
        if left <= 0 or not poll.poll(left * 1000):
            raise psycopg2.OperationalError("the database did not answer in time")
        poll.unregister(descriptor)

"""Waiting for something that happens elsewhere, with a limit and a message."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_for(look: Callable[[], T], what: str, timeout_s: float = 600, every_s: float = 0.2) -> T:
    """The value of `look` as soon as it is true; AssertionError naming `what` after `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    while True:
        started_at = time.monotonic()
        value = look()
        if value:
            return value
        if started_at > deadline:
            raise AssertionError(
                f"waited {timeout_s:.0f} s in vain for {what}; last value: {value!r}"
            )
        time.sleep(every_s)

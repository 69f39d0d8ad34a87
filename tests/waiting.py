"""Waiting for a condition that another thread or process brings about."""

import time
from collections.abc import Callable

PATIENCE_S = 300  # generous, for a machine that is full of other work
_EVERY_S = 0.05


def eventually(condition: Callable[[], object], within_s: float = PATIENCE_S) -> bool:
    """Whether the condition comes true in time: it fails if a look that began after it says no."""
    deadline = time.monotonic() + within_s
    while True:
        started_at = time.monotonic()
        if condition():
            return True
        if started_at > deadline:
            return False
        time.sleep(_EVERY_S)

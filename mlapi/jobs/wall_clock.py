"""Detects that the wall clock was set, or that the machine slept, by the monotonic clock."""

import time

_SET_BY_S = 5.0
_LATELY_S = 5.0  # several heartbeats of a run


class WallClock:
    """The wall clock's lead over the monotonic clock, compared at each call."""

    def __init__(self) -> None:
        self._ahead = time.time() - time.monotonic()
        self._set_at = float("-inf")

    def was_set_lately(self) -> bool:
        """Whether a change of the wall clock was detected in the last _LATELY_S seconds."""
        now = time.monotonic()
        ahead = time.time() - now
        if abs(ahead - self._ahead) > _SET_BY_S:
            self._set_at = now
        self._ahead = ahead
        return now - self._set_at < _LATELY_S

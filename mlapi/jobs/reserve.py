"""Requests for reserve workers, which run only while jobs wait for the permanent ones."""

import mmap


class Reserve:
    """A request for one more worker, shared with the processes forked after it was made."""

    def __init__(self) -> None:
        self._requested = mmap.mmap(-1, 1)

    def request(self) -> None:
        """Request one more."""
        self._requested[0] = 1

    def take(self) -> bool:
        """Whether one was requested since the last call."""
        requested, self._requested[0] = bool(self._requested[0]), 0
        return requested

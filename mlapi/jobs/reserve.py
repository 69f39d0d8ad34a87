"""Workers that run only while jobs wait for those that run always."""

import mmap


class Reserve:
    """Whether one more worker is requested. Made before a fork, it is one for all its processes."""

    def __init__(self) -> None:
        self._requested = mmap.mmap(-1, 1)

    def request(self) -> None:
        """Request one more."""
        self._requested[0] = 1

    def take(self) -> bool:
        """Whether one was requested since the last call."""
        requested, self._requested[0] = bool(self._requested[0]), 0
        return requested

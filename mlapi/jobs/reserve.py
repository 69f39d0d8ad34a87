"""Workers that run only while jobs wait for those that run always."""

import mmap


class Reserve:
    """Whether one more worker is asked for. Made before a fork, it is one for all its processes."""

    def __init__(self) -> None:
        self._asked = mmap.mmap(-1, 1)

    def ask(self) -> None:
        """Have one more started."""
        self._asked[0] = 1

    def take(self) -> bool:
        """Whether one was asked for since the last call."""
        asked, self._asked[0] = bool(self._asked[0]), 0
        return asked

"""Gives freed memory back, which the C library keeps for a process that may want it again."""

import ctypes
from contextlib import suppress


def give_back() -> None:
    """Give back all pages of which nothing is in use; takes about a millisecond."""
    with suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL(None).malloc_trim(0)

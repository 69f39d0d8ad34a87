"""Returns freed memory to the system, which the C library would keep for later allocations."""

import ctypes
from contextlib import suppress


def give_back() -> None:
    """Return all unused pages to the system; takes about a millisecond."""
    with suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL(None).malloc_trim(0)

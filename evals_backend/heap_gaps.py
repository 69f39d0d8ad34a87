"""Fills the gaps between what a process has allocated, before others are forked from it.

An allocator puts new objects where old ones were freed, on pages that are otherwise full. In a fork
each such object copies a page that was shared. Where the gaps are filled, a fork's own objects lie
together on pages of their own.
"""

import ctypes
from array import array
from collections import Counter
from contextlib import suppress

# Python's own allocator (Objects/obmalloc.c): pools of blocks of one size, each with a header.
_POOL = 16_384
_HEADER = 48
_BLOCKS = range(16, 513, 16)
# The C library's: what is larger lies in a mapping of its own.
_CHUNKS = (*range(122_880, 4_096, -4_096), *range(4_096, 1_024, -256), *range(1_024, 0, -16))
_MOST = 2**20  # bytes of one size, as another allocator of Python's may have no pools


def fill() -> None:
    """Fill them for ever. After all imports it takes 50 ms and no page that was given back."""
    for size in _BLOCKS:
        _fill_blocks(size)
    with suppress(OSError, AttributeError):  # another C library
        _fill_chunks(ctypes.CDLL(None))


def _fill_blocks(size: int) -> None:
    """Take free blocks until a pool is all ours: one is begun when no other has any left."""
    take, free = ctypes.pythonapi.PyObject_Malloc, ctypes.pythonapi.PyObject_Free
    take.restype, take.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
    free.restype, free.argtypes = None, [ctypes.c_void_p]
    whole = (_POOL - _HEADER) // size * 24 // 25  # numbers of this function may have some
    taken: Counter[int] = Counter()
    ours = array("Q")
    for _ in range(_MOST // size):
        block = take(size)
        ours.append(block)
        taken[block // _POOL] += 1
        if taken[block // _POOL] == whole:
            break
    pool = ours[-1] // _POOL
    for block in ours:
        if block // _POOL == pool:
            free(block)


class _Usage(ctypes.Structure):
    """<malloc.h>, struct mallinfo2."""

    _fields_ = (
        *((f"field{n}", ctypes.c_size_t) for n in range(9)),
        ("keepcost", ctypes.c_size_t),  # free bytes at the end of the heap
    )


def _fill_chunks(library: ctypes.CDLL) -> None:
    """Take free chunks of each size until there are none but at the end of the heap."""
    library.malloc.restype = library.sbrk.restype = ctypes.c_void_p
    library.malloc.argtypes, library.sbrk.argtypes = [ctypes.c_size_t], [ctypes.c_ssize_t]
    library.free.argtypes = [ctypes.c_void_p]
    library.mallinfo2.restype = _Usage
    end = library.sbrk(0) - library.mallinfo2().keepcost
    for size in _CHUNKS:
        while (chunk := library.malloc(size)) and chunk < end:
            pass
        library.free(chunk)

"""Walks the segments of a JPEG before it is decoded: how many scans it has, and its EXIF."""

import re
from collections.abc import Iterator
from mmap import mmap

from mlapi.domain import InputError

# Each scan is a pass over all pixels that 140 bytes can ask for: a file of 0.4 MB with 10,000 of
# them takes minutes. Encoders write 10, some 20.
MAX_SCANS = 50
MAX_EXIF_SEGMENTS = 64  # of 64 kB; the decoder appends each to a copy of all before it

# Within a scan's data, 0xFF stands before 0 or the number of a restart; else it begins a marker.
_MARKER = re.compile(rb"\xff([^\x00\xd0-\xd7\xff])")
_SCAN, _END, _APP1 = 0xDA, 0xD9, 0xE1
_WITHOUT_LENGTH = frozenset({0x01, 0xD8})
_EXIF = b"Exif\0\0"


def count_scans(content: mmap) -> int:
    """The scans of the first image in the file, not of its thumbnail; stops above MAX_SCANS."""
    scans = 0
    for kind, _, _ in _segments(content):
        scans += kind == _SCAN
        if scans > MAX_SCANS:
            break
    return scans


def exif_of(content: mmap) -> bytes:
    """The EXIF before the first scan, joined from its segments. Raises InputError for too many."""
    found: list[bytes] = []
    for kind, start, end in _segments(content):
        if kind == _SCAN:
            break
        if kind == _APP1 and content[start : start + len(_EXIF)] == _EXIF:
            found.append(content[start + len(_EXIF) : end])
        if len(found) > MAX_EXIF_SEGMENTS:
            raise InputError("image_too_large", "The JPEG has its EXIF in too many segments.")
    return b"".join(found)


def _segments(content: mmap) -> Iterator[tuple[int, int, int]]:
    """The kind of each, and where its content begins and ends."""
    at = 0
    while (marker := _MARKER.search(content, at)) and (kind := marker[1][0]) != _END:
        start = at = marker.end()
        if kind not in _WITHOUT_LENGTH:
            at += int.from_bytes(content[at : at + 2], "big")
            start += 2
        yield kind, start, at

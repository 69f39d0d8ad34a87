"""Counts the scans of a JPEG before it is decoded."""

import mmap
import re
from typing import IO

# Each scan is a pass over all pixels that 140 bytes can ask for: a file of 0.4 MB with 10,000 of
# them takes minutes. Encoders write 10, some 20.
MAX_SCANS = 50

# Within a scan's data, 0xFF stands before 0 or the number of a restart; else it begins a marker.
_MARKER = re.compile(rb"\xff([^\x00\xd0-\xd7\xff])")
_SCAN, _END = 0xDA, 0xD9
_WITHOUT_LENGTH = frozenset({0x01, 0xD8})


def count_scans(file: IO[bytes]) -> int:
    """The scans of the first image in the file, not of its thumbnail; stops above MAX_SCANS."""
    scans = 0
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        at = 0
        while (marker := _MARKER.search(data, at)) and (kind := marker[1][0]) != _END:
            at = marker.end()
            if kind not in _WITHOUT_LENGTH:
                at += int.from_bytes(data[at : at + 2], "big")
            scans += kind == _SCAN
            if scans > MAX_SCANS:
                break
    return scans

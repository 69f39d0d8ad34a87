"""Refuses files whose metadata would keep the decoder busy: with millions of numbers.

Pillow makes an object of each number in a tag, of some as soon as it opens a file: a million
fractions, 8 MB, take it 18 seconds.
"""

import struct
from mmap import mmap

from mlapi.domain import InputError

# In the tags of a file. A TIFF has two for each strip or tile, EXIF some hundreds in all.
MAX_NUMBERS = 100_000

_HEADERS = (b"II*\0", b"II+\0", b"MM\0*", b"MM\0+")
_NO_NUMBERS = frozenset({1, 2, 7})  # types that become bytes or text
_SHORT = 3
_TABLES = frozenset({301, 320})  # transfer functions and palettes, of up to 196,608 numbers
_NESTED = frozenset({34665, 34853, 40965})  # tags of directories elsewhere in the file
_MAX_DIRECTORIES = 16
_EXIF = b"Exif\0\0"


def require_few_numbers(content: bytes | mmap, start: int = 0) -> None:
    """Raises InputError if the TIFF or EXIF that begins there has too many numbers in its tags."""
    if count_numbers(content, start) > MAX_NUMBERS:
        raise InputError(
            "image_too_large", f"The image has more than {MAX_NUMBERS:,} numbers in its metadata."
        )


def require_few_numbers_anywhere(content: mmap) -> None:
    """As `require_few_numbers`, of whatever in the file may be its EXIF."""
    for header in _HEADERS:
        at = content.find(header)
        while at >= 0:
            require_few_numbers(content, at)
            at = content.find(header, at + 1)


def require_few_numbers_in_exif(exif: bytes) -> None:
    """As `require_few_numbers`, of EXIF with or without its name before it."""
    require_few_numbers(exif, len(_EXIF) if exif.startswith(_EXIF) else 0)


def count_numbers(content: bytes | mmap, start: int = 0) -> int:
    """The numbers in the tags of the TIFF or EXIF that begins there, of its first image.

    Those that the file is too short for are not read, and do not count.
    """
    head = content[start : start + 4]
    if head not in _HEADERS:
        return 0
    is_big = b"+" in head
    order = "<" if head.startswith(b"II") else ">"
    first, length, entry = (
        struct.Struct(order + form)
        for form in (("8xQ", "Q", "HHQQ") if is_big else ("4xI", "H", "HHII"))
    )
    total, seen = 0, set[int]()
    try:
        waiting = [*first.unpack_from(content, start)]
        while waiting and len(seen) < _MAX_DIRECTORIES:
            at = waiting.pop()
            if at in seen:
                continue
            seen.add(at)
            (entries,) = length.unpack_from(content, start + at)
            begin = start + at + length.size
            fitting = min(entries, (len(content) - begin) // entry.size)
            rows = content[begin : begin + fitting * entry.size]
            for tag, kind, count, value in entry.iter_unpack(rows):
                if kind not in _NO_NUMBERS and tag not in _TABLES and count <= len(content):
                    total += count
                if tag in _NESTED:
                    waiting.append(_first_bits(value, order, is_big) if kind == _SHORT else value)
    except (struct.error, IndexError, OverflowError):  # cut short, or no directory
        return total
    return total


def _first_bits(value: int, order: str, is_big: bool) -> int:
    """The 16 bits at the beginning of an entry's value."""
    return value & 0xFFFF if order == "<" else value >> (48 if is_big else 16)

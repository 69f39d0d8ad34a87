"""What an ONNX file says of itself: the size of its images, and the names of its classes.

Read from its protocol buffer, of which the fields are: ModelProto 7 graph and 14 metadata (1 key,
2 value); GraphProto 5 initializer (8 name) and 11 input (1 name, 2 type); TypeProto 1 tensor;
Tensor 2 shape; TensorShape 1 dimension; Dimension 1 value.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_GRAPH, _METADATA = 7, 14
_INITIALIZER, _INPUT = 5, 11
_DIMENSIONS = 4  # of an input of images: number, channels, height and width
_DEFAULT_SIDE = 640
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


@dataclass(frozen=True)
class OnnxModelFile:
    """`classes` in the order of the network's outputs, and the size of its inputs in pixels."""

    classes: tuple[str, ...]
    width: int
    height: int


def read(content: bytes) -> OnnxModelFile:
    """Raises ValueError for what is no ONNX file, or names no classes."""
    try:
        metadata = dict(_metadata(content))
        dimensions = next(_input_dimensions(content), [])
    except (IndexError, UnicodeDecodeError) as error:
        raise ValueError("It is no ONNX file.") from error
    if len(dimensions) != _DIMENSIONS:
        raise ValueError("It is no ONNX file of a network that reads images.")
    classes = _classes(metadata.get("names", ""))
    sides = [side if side and side > 0 else None for side in dimensions[-2:]]
    height, width = _sides(metadata.get("imgsz", "")) if None in sides else (sides[0], sides[1])
    return OnnxModelFile(classes, width or _DEFAULT_SIDE, height or _DEFAULT_SIDE)


def _classes(names: str) -> tuple[str, ...]:
    """Of ultralytics' exporters: a dictionary of numbers, or a list, as a literal of Python."""
    found = _literal(names)
    if isinstance(found, dict):
        found = [found.get(number) for number in range(len(found))]
    if not isinstance(found, list) or not found or not all(isinstance(one, str) for one in found):
        raise ValueError("Its metadata have no names of classes (names).")
    return tuple(found)


def _sides(text: str) -> tuple[int | None, int | None]:
    found = _literal(text)
    sides = found if isinstance(found, list | tuple) else [found, found]
    numbers = [side for side in sides if isinstance(side, int) and side > 0]
    return (numbers[0], numbers[1]) if len(numbers) == 2 else (None, None)


def _literal(text: str) -> Any:
    """The value of a literal of Python; None for other text."""
    try:
        return ast.literal_eval(text)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None


def _metadata(content: bytes) -> Iterator[tuple[str, str]]:
    for number, value in _fields(content):
        if number == _METADATA and isinstance(value, bytes):
            entry = dict(_fields(value))
            key, text = entry.get(1, b""), entry.get(2, b"")
            if isinstance(key, bytes) and isinstance(text, bytes):
                yield key.decode(), text.decode()


def _input_dimensions(content: bytes) -> Iterator[list[int | None]]:
    """Of each input that is no constant; None for a dimension without a number."""
    for graph in _parts(content, _GRAPH):
        constants = {dict(_fields(one)).get(8) for one in _parts(graph, _INITIALIZER)}
        for value in _parts(graph, _INPUT):
            if dict(_fields(value)).get(1) in constants:
                continue
            yield [
                size if isinstance(size := dict(_fields(dimension)).get(1), int) else None
                for kind in _parts(value, 2)
                for tensor in _parts(kind, 1)
                for shape in _parts(tensor, 2)
                for dimension in _parts(shape, 1)
            ]


def _parts(content: bytes, number: int) -> Iterator[bytes]:
    """The messages in a field."""
    for found, value in _fields(content):
        if found == number and isinstance(value, bytes):
            yield value


def _fields(content: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of a message: number and value. Raises ValueError or IndexError for another."""
    place = 0
    while place < len(content):
        key, place = _varint(content, place)
        number, kind = key >> 3, key & 7
        if kind == _VARINT:
            value, place = _varint(content, place)
            yield number, value
        elif kind in (_FIXED64, _FIXED32):
            place += 8 if kind == _FIXED64 else 4
        elif kind == _BYTES:
            size, place = _varint(content, place)
            if place + size > len(content):
                raise ValueError("It is no ONNX file.")
            yield number, content[place : place + size]
            place += size
        else:
            raise ValueError("It is no ONNX file.")


def _varint(content: bytes, place: int) -> tuple[int, int]:
    found = shift = 0
    while True:
        byte = content[place]
        found |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if byte < 0x80:
            return found, place
        if shift > 63:
            raise ValueError("It is no ONNX file.")

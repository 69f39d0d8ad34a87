"""ONNX files as an exporter of YOLO writes them, put together without the package onnx.

The network finds what is red and what is blue in cells of 8 x 8 pixels, as boxes of 24.
"""

from collections.abc import Sequence

import numpy as np

_CELL, _SIDE = 8, 24
_WINDOW = {"strides": [_CELL, _CELL], "kernel_shape": [_CELL, _CELL]}
_FLOAT, _INT64 = 1, 7  # types of tensors
_INT, _INTS = 2, 7  # types of attributes


def red_and_blue(
    classes: Sequence[str] = ("red", "blue"),
    size: tuple[int, int] = (160, 120),
    *,
    names: str | None = None,
    shape: Sequence[int] | None = None,
    layout: str = "v8",
) -> bytes:
    """The file. `layout`: "v8" is (4 + classes, n), "other" what no YOLO network has.

    `names` and `shape` are other metadata, and another shape of the input.
    """
    width, height = size
    columns, rows = width // _CELL, height // _CELL
    weights = np.zeros((2, 3, _CELL, _CELL), np.float32)
    weights[0, :2] = np.array([1.0, -1.0], np.float32)[:, None, None]
    weights[1, [2, 0]] = np.array([1.0, -1.0], np.float32)[:, None, None]
    weights *= 20 / _CELL**2
    y, x = np.mgrid[:rows, :columns].reshape(2, -1) * _CELL + _CELL / 2
    places = np.stack([x, y, *np.full((2, len(x)), _SIDE)])[None].astype(np.float32)
    constants = {
        "weights": weights,
        "biases": np.full(2, -9.0, np.float32),
        "places": places,
        "shape": np.array([1, 2, -1], np.int64),
    }
    last = "scores" if layout == "other" else "found"
    nodes = [
        _node("Conv", ["images", "weights", "biases"], "logits", **_WINDOW),
        _node("Sigmoid", ["logits"], "cells"),
        _node("Reshape", ["cells", "shape"], "scores"),
        _node("Concat", ["places", "scores"], "found", axis=1),
    ]
    graph = b"".join(
        [
            *(_bytes(1, node) for node in nodes),
            _bytes(2, b"graph"),
            *(_bytes(5, _tensor(name, array)) for name, array in constants.items()),
            _bytes(11, _value("images", shape or (1, 3, height, width))),
            _bytes(12, _value(last, (1, 2 if layout == "other" else 6, rows * columns))),
        ]
    )
    names = str(dict(enumerate(classes))) if names is None else names
    return b"".join(
        [
            _number(1, 8),
            _bytes(7, graph),
            _bytes(8, _bytes(1, b"") + _number(2, 13)),
            _bytes(14, _bytes(1, b"names") + _bytes(2, names.encode())),
            _bytes(14, _bytes(1, b"imgsz") + _bytes(2, f"[{height}, {width}]".encode())),
        ]
    )


def _node(kind: str, inputs: Sequence[str], output: str, **attributes: int | list[int]) -> bytes:
    found = [_bytes(1, name.encode()) for name in inputs]
    found += [_bytes(2, output.encode()), _bytes(3, output.encode()), _bytes(4, kind.encode())]
    for name, value in attributes.items():
        several = isinstance(value, list)
        numbers = value if isinstance(value, list) else [value]
        content = _bytes(1, name.encode())
        content += b"".join(_number(8 if several else 3, one) for one in numbers)
        found.append(_bytes(5, content + _number(20, _INTS if several else _INT)))
    return b"".join(found)


def _tensor(name: str, array: np.ndarray) -> bytes:
    dimensions = b"".join(_number(1, side) for side in array.shape)
    kind = _FLOAT if array.dtype == np.float32 else _INT64
    return dimensions + _number(2, kind) + _bytes(8, name.encode()) + _bytes(9, array.tobytes())


def _value(name: str, shape: Sequence[int]) -> bytes:
    dimensions = b"".join(_bytes(1, _number(1, side)) for side in shape)
    tensor = _number(1, _FLOAT) + _bytes(2, dimensions)
    return _bytes(1, name.encode()) + _bytes(2, _bytes(1, tensor))


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value & (2**64 - 1))


def _bytes(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)

"""JSON that cannot be stored: PostgreSQL refuses NUL, lone surrogates, NaN and endless nesting."""

import json
import math
import re
from collections.abc import Callable
from typing import Any

import orjson

# Label Studio's own parts nest about ten levels. PostgreSQL's jsonb and Python's own encoder,
# which come after us, end at about a thousand.
MAX_DEPTH = 100
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_INT64 = range(-(2**63), 2**64)
_INT64_DIGITS = 20
_CONTAINERS = frozenset({dict, list})  # twice as fast to look up as in a tuple of the two


def parse_tolerant(raw: bytes | str) -> Any:
    """The JSON value in `raw`, with U+FFFD and null for those parts of it that are no JSON.

    That is lone surrogates; NaN, infinities and what is too large for a float; and what is nested
    deeper than 100 levels. One bad value spoils nothing beside it.
    Raises ValueError for what is no JSON at all, RecursionError beyond some 900 levels.
    """
    try:
        return _cut(orjson.loads(raw))
    except orjson.JSONDecodeError:
        text = raw.decode("utf-8", "surrogatepass") if isinstance(raw, bytes) else raw
        return sanitize(json.loads(text, parse_int=_integer, parse_constant=lambda _: None))


def sanitize(value: Any, drop: Callable[[tuple[str, ...]], bool] | None = None) -> Any:
    """A copy of `value` with U+FFFD for what PostgreSQL refuses and None for NaN and infinities.

    None, too, for what is nested deeper than 100 levels; whole numbers beyond 64 bits are floats,
    as they are to a browser. `drop` is called with the path of each object key (list positions
    left out) and leaves out those for which it answers True.
    """
    return _copy(value, drop, (), 0)


def _copy(
    value: Any,
    drop: Callable[[tuple[str, ...]], bool] | None,
    path: tuple[str, ...],
    depth: int,
) -> Any:
    if isinstance(value, str):
        return _UNSTORABLE.sub("\ufffd", value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, int) and not isinstance(value, bool) and value not in _INT64:
        return _float(value)
    if isinstance(value, dict | list | tuple) and depth >= MAX_DEPTH:
        return None
    if isinstance(value, list | tuple):
        if _is_of_numbers(value):
            return list(value)
        return [_copy(item, drop, path, depth + 1) for item in value]
    if isinstance(value, dict):
        return {
            _UNSTORABLE.sub("\ufffd", str(key)): _copy(item, drop, (*path, str(key)), depth + 1)
            for key, item in value.items()
            if drop is None or not drop((*path, str(key)))
        }
    return value


def _is_of_numbers(values: Any) -> bool:
    """Whether all are numbers that can be stored as they are; without a loop in Python."""
    kinds = set(map(type, values))
    if not kinds <= {int, float} or (float in kinds and not all(map(math.isfinite, values))):
        return False
    return float in kinds or not values or (min(values) in _INT64 and max(values) in _INT64)


def _float(value: int) -> float | None:
    try:
        return float(value)
    except OverflowError:
        return None


def _integer(digits: str) -> int | float:
    """Python refuses to make a number of more than 4,300 digits, and takes long for fewer."""
    return int(digits) if len(digits) <= _INT64_DIGITS else float(digits)


def _cut(value: Any) -> Any:
    """The value, with null in place of what is too deep; no recursion, 1 ms for 1,500 tasks."""
    level = [value] if type(value) in (dict, list) else []
    for _ in range(MAX_DEPTH - 1):
        level = [
            child
            for parent in level
            for child in (parent.values() if type(parent) is dict else parent)
            if type(child) in _CONTAINERS
        ]
        if not level:
            return value
    for parent in level:
        for key, _ in list(_containers(parent)):
            parent[key] = None
    return value


def _containers(parent: Any) -> list[tuple[Any, Any]]:
    """The objects and lists in an object or list, each with its key or position."""
    if type(parent) is dict:
        return [(k, v) for k, v in parent.items() if type(v) in _CONTAINERS]
    if type(parent) is list:
        return [(i, v) for i, v in enumerate(parent) if type(v) in _CONTAINERS]
    return []

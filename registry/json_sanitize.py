"""Sanitizing of JSON values: PostgreSQL refuses NUL, lone surrogates and NaN."""

import math
import re
from collections.abc import Callable
from typing import Any

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def sanitize(value: Any, drop: Callable[[tuple[str, ...]], bool] | None = None) -> Any:
    """A copy of `value` with U+FFFD for what PostgreSQL refuses and None for NaN and infinities.

    `drop` is asked with the path of each object key (list positions left out) and
    leaves out those for which it answers True.
    """
    return _copy(value, drop, ())


def _copy(value: Any, drop: Callable[[tuple[str, ...]], bool] | None, path: tuple[str, ...]) -> Any:
    if isinstance(value, str):
        return _UNSTORABLE.sub("\ufffd", value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list | tuple):
        return [_copy(item, drop, path) for item in value]
    if isinstance(value, dict):
        return {
            _UNSTORABLE.sub("\ufffd", str(key)): _copy(item, drop, (*path, str(key)))
            for key, item in value.items()
            if drop is None or not drop((*path, str(key)))
        }
    return value

"""Values of tags as Label Studio's editor fills them in from a task's data.

The rules are those of Label Studio 1.23's editor: `parseValue`, the `get` and `toPath` of
es-toolkit, and the texts that JavaScript makes of values.
"""

import json
import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from functools import lru_cache
from typing import Any

from mlapi.domain import InputError

REFERENCE = re.compile(r"\$[\w[\].{}]+", re.ASCII)
_MOST_NESTED = 50
_LONGEST = 8_000_000  # characters: longer than any text or address that is read
_ABSENT = object()  # what JavaScript calls undefined


def filled(value: str, data: Any) -> Any:
    """The value with its references filled in.

    One that is a reference and nothing else keeps the type that the task's data have. Others are
    texts, in which a reference to nothing reads "undefined", as people see it.
    Raises InputError: `field_missing` where the task has nothing that is referred to, `null` where
    that is null.
    """
    name = _only_name(value)
    if name and type(data) is dict and type(one := data.get(name)) is str:
        return one  # as nearly every task has it
    names = _names(value)
    found = [look_up(data, name) for name in names]
    there = [one for one in found if one is not _ABSENT]
    if found and not there:
        raise InputError("field_missing", f"The task has no field {names[0]!r}.")
    if found and all(one is None for one in there):
        raise InputError("null", f"The field {names[0]!r} is null.")
    if is_one_reference(value):
        return found[0]
    return _joined(value, found)


def _joined(value: str, found: Iterable[Any]) -> str:
    """The text with what was found in place of each reference, as far as anything reads it."""
    parts: list[str] = []
    size = end = 0
    for match, one in zip(REFERENCE.finditer(value), found, strict=True):
        parts += (value[end : match.start()], text_of(one))
        size += len(parts[-1])
        end = match.end()
        if size > _LONGEST:  # a large field that a config has a thousand times
            return "".join(parts)
    return "".join((*parts, value[end:]))


def referred(value: str) -> Iterator[str]:
    """The names that a value refers to, without their `$`, in order."""
    return iter(_names(value))


@lru_cache(maxsize=1024)
def _names(value: str) -> tuple[str, ...]:
    """Cached, as a label config's few values are filled in for each task."""
    return tuple(match[1:] for match in REFERENCE.findall(value))


@lru_cache(maxsize=1024)
def _only_name(value: str) -> str:
    """The name that a value refers to if it is a reference and nothing else; "" where it is not."""
    name = value[1:] if is_one_reference(value) else ""
    return "" if name == "__proto__" else name


@lru_cache(maxsize=1024)
def is_one_reference(value: str) -> bool:
    """Whether the value is a reference and nothing else."""
    return REFERENCE.fullmatch(value) is not None


def keys(value: str) -> set[str]:
    """The keys of a task's data in which there may be what a value refers to."""
    return {key for name in referred(value) for key in (name, *_path(name)[:1])}


def look_up(data: Any, name: str) -> Any:
    """What a name stands for in a task's data: a key of that very name, else a path."""
    if name == "__proto__" or not isinstance(data, dict):
        return _ABSENT
    if name in data:
        return data[name]
    if not set(name) & set(".[]"):
        return _ABSENT
    found = data
    for key in (path := _path(name)):
        found = _member(found, key)
    return found if path else _ABSENT


def text_of(value: Any, depth: int = 0) -> str:
    """The text that JavaScript's `String(value)` is. Raises InputError for what is too deep."""
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, list):
        _check(depth)
        return ",".join("" if one is None else text_of(one, depth + 1) for one in value)
    return "undefined" if value is _ABSENT else "[object Object]"


def json_of(value: Any, depth: int = 0) -> str:
    """The text that JavaScript's `JSON.stringify(value)` is. Raises InputError likewise."""
    _check(depth)
    if isinstance(value, dict):
        pairs = (f"{_quoted(str(k))}:{json_of(v, depth + 1)}" for k, v in value.items())
        return f"{{{','.join(pairs)}}}"
    if isinstance(value, list):
        return f"[{','.join(json_of(one, depth + 1) for one in value)}]"
    return _quoted(value) if isinstance(value, str) else text_of(value)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _check(depth: int) -> None:
    if depth > _MOST_NESTED:
        raise InputError("not_text", f"The data is nested deeper than {_MOST_NESTED} levels.")


def _number(value: float) -> str:
    """As JavaScript writes it: an exponent from 1e21 on and below 1e-6."""
    if value != value or value in (float("inf"), float("-inf")):
        return "NaN" if value != value else f"{'-' if value < 0 else ''}Infinity"
    if value == 0:
        return "0"
    exact = Decimal(repr(value)).normalize()
    if -7 < exact.adjusted() < 21:
        return format(exact, "f")
    mantissa, _, exponent = repr(value).removesuffix(".0").partition("e")
    return f"{mantissa.removesuffix('.0')}e{int(exponent):+d}"


def _path(name: str) -> list[str]:
    """The keys of a path such as `items[0].text`; a dot that ends a sentence is no key."""
    keys = [""] if name.startswith(".") else []
    for part in re.split(r"(\[[^\]]*\]?)", name):
        if part.startswith("["):
            closed = part.endswith("]")
            keys += [part[1:-1]] if closed else [part[1:]] if part[1:] else []
        else:
            keys += [key for key in part.split(".") if key]
    return keys


def _member(holder: Any, key: str) -> Any:
    """A member of what JSON holds; _ABSENT where it has none."""
    if isinstance(holder, dict):
        return holder.get(key, _ABSENT) if key != "__proto__" else _ABSENT
    if isinstance(holder, list | str):
        if key == "length":
            return len(holder)
        # Python refuses to make a number of thousands of digits.
        is_index = key.isascii() and key.isdigit() and len(key) <= len(str(len(holder)))
        if is_index and str(int(key)) == key and int(key) < len(holder):
            return holder[int(key)]
    return _ABSENT

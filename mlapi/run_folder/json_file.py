"""Reads and writes dataclasses as the JSON files of a run folder, and refuses any other shape.

Parent and child may be of two releases: a file of another shape is an error where it is read.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from registry.errors import EvalsError

Record = TypeVar("Record")


class RunFileInvalid(EvalsError):
    """A file of the run folder is missing, or does not hold what its reader expects."""

    code = "run_file_invalid"


def write(path: Path, record: Any) -> None:
    """Write a dataclass, or a mapping of its fields; whole or not at all."""
    partial = path.with_name(path.name + ".partial")
    text = json.dumps(record, default=_plain, allow_nan=False)
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


def read(path: Path, kind: type[Record], **others: Any) -> Record:
    """The dataclass that a file holds; `others` are its fields that are not in the file.

    Raises RunFileInvalid, which names the file and the field.
    """
    with reading(path):
        content = json.loads(path.read_text(encoding="utf-8"))
    return _record(kind, content, path.name, others)


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Raises RunFileInvalid where the file cannot be read, or is no JSON."""
    try:
        yield
    except OSError as error:
        raise RunFileInvalid(f"{path.name} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise RunFileInvalid(f"{path.name} is no JSON: {error}.") from error


def _plain(value: Any) -> Any:
    """What JSON has no form for: dataclasses and paths."""
    if isinstance(value, Path):
        return str(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: getattr(value, f.name) for f in fields(value)}
    raise TypeError(f"{type(value).__name__} is not written to a run folder.")


def _record(kind: Any, content: Any, where: str, others: Mapping[str, Any]) -> Any:
    if not isinstance(content, dict):
        raise RunFileInvalid(f"{where} is no object.")
    known = {name: f for name, f in _fields(kind).items() if name not in others}
    unknown = sorted(set(content) - set(known))
    if unknown:
        raise RunFileInvalid(f"{where} has an unknown field {unknown[0]!r}.")
    missing = [name for name, f in known.items() if name not in content and _is_required(f)]
    if missing:
        raise RunFileInvalid(f"{where} lacks the field {missing[0]!r}.")
    hints = _hints(kind)
    return kind(
        **{name: _value(hints[name], v, f"{where}: {name}") for name, v in content.items()},
        **others,
    )


@cache
def _fields(kind: Any) -> dict[str, Field]:
    return {f.name: f for f in fields(kind)}


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)


def _is_required(field: Field) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def _value(kind: Any, value: Any, where: str) -> Any:
    """The value as its annotation says; tuples are arrays in JSON."""
    origin, arguments = get_origin(kind), get_args(kind)
    if kind is Any:
        return value
    if is_dataclass(kind):
        return _record(kind, value, where, {})
    if origin in (Union, UnionType):
        return _one_of(arguments, value, where)
    if origin is Literal and value in arguments:
        return value
    if origin in (tuple, list) and isinstance(value, list):
        items = (_value(arguments[0], item, f"{where}[{i}]") for i, item in enumerate(value))
        return origin(items)
    if origin is dict and isinstance(value, dict):
        return {key: _value(arguments[1], item, f"{where}.{key}") for key, item in value.items()}
    if kind is Path and isinstance(value, str):
        return Path(value)
    if kind is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if type(value) is kind:  # exactly: a boolean is no number
        return value
    raise RunFileInvalid(f"{where} is no {_name(kind)}.")


def _one_of(kinds: tuple[Any, ...], value: Any, where: str) -> Any:
    if value is None and NoneType in kinds:
        return None
    others = [kind for kind in kinds if kind is not NoneType]
    for kind in others[:-1]:
        try:
            return _value(kind, value, where)
        except RunFileInvalid:
            continue
    return _value(others[-1], value, where)


def _name(kind: Any) -> str:
    return kind.__name__ if isinstance(kind, type) else str(kind)

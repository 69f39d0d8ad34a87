"""The text that Label Studio's editor shows of a task in an object tag.

The rules are those of Label Studio 1.23's editor, tag by tag. Its community edition has no Chat:
its messages are read as the turns of Paragraphs are.
"""

import base64
import binascii
import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from mlapi.domain import InputError, InputSpec
from mlapi.inputs.text.markup import MAX_MARKUP, clean, visible_text
from mlapi.labelstudio.references import filled, json_of, referred, text_of

# A text is read up to here, some 3,500 words. What follows hardly ever changes its class, and
# this bounds the time and memory of a request whatever a task holds.
MAX_CHARACTERS = 20_000
_CUT = 2 * MAX_CHARACTERS  # before white space is stripped
_BLANKS = str.maketrans("", "", " \t\n\f\r")
_MOST_PARSED = 2_000_000  # characters of a table that is a text
# Characters that are decoded of base64, by tag: of markup hardly anything is text.
_MOST_DECODED = {"HyperText": MAX_MARKUP}
_DELIMITERS = ",\t|;"


def editor_text(source: InputSpec, data: Any) -> str:
    """The object's text in a task's data, not yet stripped, some MAX_CHARACTERS long at most.

    Raises InputError with one of the codes field_missing, null, not_text, not_base64, unreadable.
    """
    return clean(TEXTS[source.tag](filled(source.value, data), source)[:_CUT])


def _text(value: Any, source: InputSpec) -> str:
    if isinstance(value, dict):
        raise _not_text(value, source)
    return _decoded(value if isinstance(value, str) else text_of(value), source)


def _markup(value: Any, source: InputSpec) -> str:
    return visible_text(_text(value, source))


def _decoded(text: str, source: InputSpec) -> str:
    """`encoding` as the editor knows it: bytes as Latin-1, or as UTF-8."""
    if source.encoding not in ("base64", "base64unicode"):
        return text
    try:
        most = 4 * _MOST_DECODED.get(source.tag, _CUT)
        packed = text[:most].translate(_BLANKS).rstrip("=").encode("ascii")
        packed = packed[: len(packed) // 4 * 4] if len(text) > most else packed
        content = base64.b64decode(packed + b"=" * (-len(packed) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise InputError("not_base64", f"{_named(source)} is not in base64.") from None
    if source.encoding == "base64":
        return content.decode("latin-1")
    return content.decode("utf-8", errors="replace")


def _dialogue(value: Any, source: InputSpec) -> str:
    """One line for each turn, "author: text"; a turn may also be bare text."""
    return _turns(value, source, source.author_key, source.text_key)


def _chat(value: Any, source: InputSpec) -> str:
    if isinstance(value, str) and value.lstrip().startswith("["):
        value = _parsed(value, source)
    return _turns(value, source, "role", "content")


def _turns(value: Any, source: InputSpec, author: str, text: str) -> str:
    if isinstance(value, str):
        return value
    if not isinstance(value, list):
        raise _not_text(value, source)
    return _lines(_turn(turn, source, author, text) for turn in value)


def _turn(turn: Any, source: InputSpec, author: str, text: str) -> str:
    if isinstance(turn, str):
        return turn
    if not isinstance(turn, dict):
        raise InputError("not_text", f"{_named(source)} is not a list of turns.")
    parts = [_cell(turn.get(author)), _cell(turn.get(text))]
    return ": ".join(part for part in parts if part.strip())


def _list(value: Any, source: InputSpec) -> str:
    """Title, body and HTML of each item; its id is a name, not a text."""
    if isinstance(value, str):
        value = _parsed(value, source)
    if not isinstance(value, list):
        raise _not_text(value, source)
    return _lines(_item(item) for item in value)


def _item(item: Any) -> str:
    if not isinstance(item, dict):
        return _cell(item)
    parts = [_cell(item.get("title")), _cell(item.get("body"))]
    parts.append(visible_text(_cell(item.get("html"))))
    return "\n".join(part for part in parts if part.strip())


def _table(value: Any, source: InputSpec) -> str:
    """A line for each row, its cells apart by tabs; above them the names of the columns."""
    kind, options = _type_and_options(source.value_type or "json")
    if kind == "csv" and isinstance(value, str):
        try:
            return _lines("\t".join(row) for row in _csv_rows(value, options))
        except (csv.Error, ValueError):
            raise InputError("not_text", f"{_named(source)} is not the CSV of its tag.") from None
    if isinstance(value, str):
        value = _parsed(value, source)
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return _lines(_rows(value))
    if isinstance(value, list):
        return _lines(_pair(str(i), one) for i, one in enumerate(value))
    if not isinstance(value, dict):
        raise _not_text(value, source)
    keys = sorted(value, key=lambda key: (key.lower(), key))
    return _lines(_pair(key, value[key]) for key in keys)


def _rows(rows: list[Any]) -> Iterable[str]:
    rows = [row if isinstance(row, dict) else {} for row in rows]
    columns = list(dict.fromkeys(key for row in rows for key in row))
    yield "\t".join(columns)
    for row in rows:
        yield "\t".join(_cell(row.get(column)) for column in columns)


def _pair(name: str, value: Any) -> str:
    is_inside = value is None or isinstance(value, dict | list)
    return f"{name}\t{json_of(value) if is_inside else _cell(value)}"


def _csv_rows(text: str, options: Mapping[str, str]) -> Iterable[list[str]]:
    text = text[:_CUT]
    first = next(iter(text.splitlines()), "")
    guessed = max(_DELIMITERS, key=first.count)
    delimiter = options.get("separator", "") or guessed
    # Any line ends, as the editor's parser reads them.
    return csv.reader(io.StringIO(text, newline=None), delimiter=delimiter[0])


def _type_and_options(value_type: str) -> tuple[str, dict[str, str]]:
    """`csv|separator=;` as the editor reads it: what follows the type parts the options."""
    kind = value_type[: next((i for i, c in enumerate(value_type) if not c.isalnum()), None)]
    rest = value_type[len(kind) :]
    pairs = (pair.partition("=") for pair in rest[1:].split(rest[0])) if rest else ()
    return kind.lower(), {name: value for name, _, value in pairs}


def _cell(value: Any) -> str:
    """What React shows of a value: nothing of null and truth values."""
    if value is None or isinstance(value, bool):
        return ""
    return json_of(value) if isinstance(value, dict | list) else text_of(value)


def _parsed(text: str, source: InputSpec) -> Any:
    if len(text) > _MOST_PARSED:
        message = f"{_named(source)} is longer than {_MOST_PARSED:,} characters."
        raise InputError("not_text", message)
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise InputError("not_text", f"{_named(source)} is not the JSON of its tag.") from None


def _lines(lines: Iterable[str]) -> str:
    """The lines up to where a text is cut."""
    found = []
    size = 0
    for line in lines:
        found.append(line[:_CUT])
        size += len(found[-1])
        if size > _CUT:
            break
    return "\n".join(found)


def _not_text(value: Any, source: InputSpec) -> InputError:
    return InputError("not_text", f"{_named(source)} holds {type(value).__name__}, not text.")


def _named(source: InputSpec) -> str:
    names = ", ".join(repr(name) for name in referred(source.value))
    return f"The field {names}"


TEXTS: Mapping[str, Callable[[Any, InputSpec], str]] = {
    "Text": _text,
    "HyperText": _markup,
    "Paragraphs": _dialogue,
    "Chat": _chat,
    "List": _list,
    "Table": _table,
}

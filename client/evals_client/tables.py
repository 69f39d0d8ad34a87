"""Prints answers for people: rows as a table, one value as a list of its fields."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

# The columns of a resource's table. Rows of another form have all of their short fields.
_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "projects": ("id", "title", "uid", "pipeline", "champion", "hostname"),
    "versions": ("id", "project", "label", "state", "primary", "recipe", "created_at", "note"),
    "runs": ("id", "project", "kind", "state", "trigger", "phase", "error_code", "created_at"),
    "tasks": ("id", "project", "labelstudio_id", "split", "labels", "total_annotations"),
    "metrics": ("id", "version", "target", "name", "label", "step", "value", "n"),
    "outcomes": ("id", "version", "task", "target", "source", "predicted", "score", "human"),
    "events": ("id", "project", "source", "action", "status", "outcome", "received_at"),
    "audit-entries": ("id", "at", "project", "verb", "from_version", "to_version", "actor"),
    "access-keys": ("id", "name", "project", "hostname", "last_used_at", "revoked_at"),
    "webhooks": ("id", "name", "host", "format", "topics", "project", "disabled_at"),
    "webhook-deliveries": ("id", "created_at", "webhook", "topic", "state", "attempted"),
}
_LONGEST = 60
_MOST_COLUMNS = 9


def print_rows(resource: str, rows: Sequence[Any]) -> None:
    """Rows as a table; a dash for what is missing."""
    if not rows:
        print("None.")
        return
    console = _console()
    columns = [name for name in _COLUMNS.get(resource, ()) if name in rows[0]]
    if len(columns) < 3 or "id" not in rows[0]:
        columns = list(rows[0])[:_MOST_COLUMNS]
    table = Table(*columns)
    for row in rows:
        table.add_row(*(Text(short(row.get(name))) for name in columns))
    console.print(table)


def print_value(found: Any) -> None:
    """A value's fields, one a line."""
    if not isinstance(found, dict):
        print(found)
        return
    console = _console()
    table = Table(show_header=False, box=None, pad_edge=False)
    for name, value in found.items():
        table.add_row(name, Text(_whole(value)))
    console.print(table)


def short(value: Any) -> str:
    """A cell: numbers to three decimals, times to the minute, a reference by its label."""
    text = _text(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _text(value: Any) -> str:
    match value:
        case None | "" | [] | {}:
            return "–"
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.3f}"
        case str():
            is_time = len(value) > 16 and value[4:5] == "-" and value[10:11] == "T"
            return value[:16].replace("T", " ") if is_time else " ".join(value.split())
        case {"metric": metric, "value": number, **rest}:
            n = f", n = {rest['n']}" if "n" in rest else ""
            return f"{metric} {_text(number)}{n}"
        case {"label": str(label)} | {"title": str(label)} | {"uid": str(label)}:
            return label
        case dict():
            return ", ".join(f"{name}: {_text(one)}" for name, one in value.items())
        case list():
            return ", ".join(_text(one) for one in value)
    return str(value)


def _whole(value: Any) -> str:
    return value if isinstance(value, str) and value else _text(value)


def _console() -> Console:
    console = Console()
    if not console.is_terminal:
        console.width = 1000
    return console

"""Values as the admin's markup: badges of states, ages, durations, JSON and long text."""

import json
from datetime import datetime
from typing import Any

from django.template.defaultfilters import date as as_date
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince

from registry.models import ModelVersion

RUN_COLOURS = {
    "queued": "info",
    "running": "info",
    "succeeded": "success",
    "failed": "danger",
    "cancelled": "warning",
}
_VERSION_COLOURS = {"champion": "success", "load_failed": "danger", "archived": "warning"}
EVENT_COLOURS = {"failed": "danger", "stale": "warning", "received": "info", "applied": "success"}
_COLOURS = {
    "info": "bg-blue-100 text-blue-700 dark:bg-blue-500/20 dark:text-blue-400",
    "danger": "bg-red-100 text-red-700 dark:bg-red-500/20 dark:text-red-400",
    "warning": "bg-orange-100 text-orange-700 dark:bg-orange-500/20 dark:text-orange-400",
    "success": "bg-green-100 text-green-700 dark:bg-green-500/20 dark:text-green-400",
    "": "bg-base-500/8 text-base-700 dark:bg-base-500/20 dark:text-base-200",
}


def state_badge(text: str, colour: str = "") -> SafeString:
    """A badge like unfold's label; `colour`: info, danger, warning, success, or ""."""
    return format_html(
        '<span class="inline-block font-semibold rounded-default text-[11px] uppercase'
        ' whitespace-nowrap h-6 leading-6 px-2 {}">{}</span>',
        _COLOURS[colour],
        text,
    )


def version_badge(version: ModelVersion) -> SafeString:
    """The badge of the version's state."""
    return state_badge(version.state.label, _VERSION_COLOURS.get(version.state, ""))


def ago(at: datetime | None) -> SafeString | str:
    """`3 days ago`, with the exact time as its title; a dash for None."""
    if at is None:
        return "–"
    long = timesince(at, timezone.now(), depth=1)
    text = "just now" if long.startswith("0\xa0") else f"{long} ago"
    return format_html(
        '<time datetime="{}" title="{}" class="whitespace-nowrap">{}</time>',
        at.isoformat(),
        as_date(timezone.localtime(at), "j M Y, H:i:s T"),
        text,
    )


def duration(start: datetime | None, end: datetime | None) -> str:
    """`4.2 s` or `3 min 20 s`; a dash while it has not ended."""
    if start is None or end is None:
        return "–"
    seconds = (end - start).total_seconds()
    if seconds < 60:
        return f"{seconds:.1f}\xa0s"
    return f"{int(seconds // 60)}\xa0min\xa0{int(seconds % 60)}\xa0s"


_SHOWN_CHARACTERS = 100_000


def as_json(value: Any) -> str:
    """An indented JSON value, cut after 100,000 characters with a note."""
    return as_text(json.dumps(value, indent=2, ensure_ascii=False, sort_keys=False))


def as_text(text: str) -> str:
    """Monospaced, wrapped text, cut after 100,000 characters with a note."""
    if not text:
        return "–"
    rest = len(text) - _SHOWN_CHARACTERS
    if rest > 0:
        text = f"{text[:_SHOWN_CHARACTERS]}\n… {rest:,} more characters"
    return format_html(
        '<pre class="max-h-96 overflow-auto whitespace-pre-wrap break-words font-mono text-xs"'
        ' tabindex="0">{}</pre>',
        text,
    )

"""Links between the admin's pages, and JSON and text values for display."""

import json
from typing import Any
from urllib.parse import urlencode

from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

_SHOWN_CHARACTERS = 100_000


def is_list(request: HttpRequest) -> bool:
    """Whether the request is for a list or a filter's suggestions, which defer long columns."""
    match = request.resolver_match
    return match is not None and str(match.url_name).endswith(("_changelist", "autocomplete"))


def page_url(shown: Model) -> str:
    """The URL of an object's page."""
    meta = shown._meta
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[shown.pk])


def link(shown: Model | None, text: str = "") -> str:
    """A link to the object's page; a dash for none."""
    if shown is None:
        return "–"
    return format_html(
        '<a class="text-primary-600 dark:text-primary-400" href="{}">{}</a>',
        page_url(shown),
        text or str(shown),
    )


def list_link(model: type[Model], text: str, **filters: Any) -> SafeString:
    """A link to the list of a model, filtered."""
    return format_html(
        '<a class="text-primary-600 dark:text-primary-400" href="{}">{}</a>',
        list_url(model, **filters),
        text,
    )


def list_url(model: type[Model], **filters: Any) -> str:
    """The URL of a model's list, filtered."""
    meta = model._meta
    url = reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist")
    return f"{url}?{urlencode(filters)}" if filters else url


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

"""Finds the admin's pages by its own links: one address of each view, so that none is forgotten."""

import re
from html import unescape
from urllib.parse import urljoin, urlsplit

import httpx
from django.urls import Resolver404, resolve

from registry.actions.operator import actions

_HREF = re.compile(r'href="([^"#]*)"')
# Not pages: they end the session, or answer with a file.
_NO_PAGES = re.compile(
    r"logout|download|artifact|export|progress|/jsi18n/|\.(css|js|svg|ico|json|md)$"
)
# The model in the names of the views that Django's admin has of each. Our own lists differ.
_MODEL = re.compile(
    r"(?<=admin:)(?:django_q|[a-z]+)_[a-z]+_(?=(?:add|history|delete) )"
    r"|(?<=admin:)(?!registry_)(?:django_q|[a-z]+)_[a-z]+_(?=(?:changelist|change) )"
)
# Actions of operators: one template, and fields that differ.
_PATHS = "|".join(action.button.path or action.path for action in actions() if action.button)
_ACTION = re.compile(rf"(?<=admin:)registry_[a-z]+_(?:{_PATHS})(?= )")
# Views that differ by what their query asks for.
_KIND_PARAMETERS = re.compile(r"[?&](a|b|with|human|predicted|target)=")


def one_of_each_kind(addresses: list[str]) -> list[str]:
    """All pages, but one of each kind of those that are made alike.

    Those of Django's admin for each model, and those of the actions of operators.
    """
    kinds: dict[str, str] = {}
    for address in addresses:
        kind = _ACTION.sub("an action", _MODEL.sub("", _view(address) or ""))
        kinds.setdefault(kind, address)
    return list(kinds.values())


def sitemap(client: httpx.Client, start: str = "/admin/") -> list[str]:
    """An address for each view that can be reached by links from `start`, nearest first."""
    found: dict[str, str] = {}
    names: set[str] = set()
    waiting = [start]
    while waiting:
        address = waiting.pop(0)
        name = _view(address)
        if name is None or name in names:
            continue
        names.add(name)
        text = client.get(address, follow_redirects=True).text
        if "<html" not in text:  # a dialog, or a part of a page
            continue
        found[name] = address
        links = (urljoin(address, unescape(href)) for href in _HREF.findall(text))
        waiting += [link for link in links if link.startswith("/admin/")]
    return list(found.values())


def _view(address: str) -> str | None:
    """The name of the view at an address, with the kind of its query; None for no page."""
    parts = urlsplit(address)
    if _NO_PAGES.search(parts.path):
        return None
    try:
        name = resolve(parts.path).view_name
    except Resolver404:
        return None
    return f"{name} {sorted(set(_KIND_PARAMETERS.findall('?' + parts.query)))}"

"""Removes the access key from the URL path before it can be logged."""

import re
from collections.abc import Callable
from urllib.parse import quote

from django.http import HttpRequest, HttpResponse

PROTOCOL_URLCONF = "mlapi.urls"
REDACTED = "[key]"

# A path with several prefixes is authenticated by the last key.
_PREFIX = re.compile(r"(?:/k/([^/]*))+(/.*)?", re.DOTALL)
# A key behind a base path that is not configured: not used, but not logged either.
_ELSEWHERE = re.compile(r"(?<=/k/)[a-z2-7]{32}(?=/|$)", re.IGNORECASE)
_RAW_PATHS = ("RAW_URI", "REQUEST_URI")


class AccessKeyMiddleware:
    """First in MIDDLEWARE. `/k/<key>/setup` becomes `/setup`, with the key on the request.

    Such a request is resolved by the protocol's URLs only, so that a key never reaches `/admin/`
    or `/api/`. The WSGI environment, from which a server may log, is rewritten as well.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        key = _take_key(request)
        request.access_key = key  # type: ignore[attr-defined]
        if key is None:
            return self.get_response(request)
        request.urlconf = PROTOCOL_URLCONF
        response = self.get_response(request)
        response.headers["Referrer-Policy"] = "no-referrer"
        return response


def _take_key(request: HttpRequest) -> str | None:
    """The key of the path, which is removed from the request; None without one."""
    prefix = _PREFIX.fullmatch(request.path_info)
    if prefix:
        _rewrite(request, prefix[2] or "/")
        _scrub(request, prefix[1])
        return prefix[1]
    unused = _ELSEWHERE.search(request.path_info)
    if unused:
        _rewrite(request, _ELSEWHERE.sub(REDACTED, request.path_info))
        _scrub(request, unused[0])
    return None


def _rewrite(request: HttpRequest, path_info: str) -> None:
    script = request.META.get("SCRIPT_NAME", "").rstrip("/")
    request.path_info = path_info
    request.path = f"{script}{path_info}"
    # WSGI keeps the path as bytes in latin-1.
    request.META["PATH_INFO"] = path_info.encode().decode("latin-1")
    query = request.META.get("QUERY_STRING", "")
    raw = quote(request.path) + (f"?{query}" if query else "")
    for name in _RAW_PATHS:
        if name in request.META:
            request.META[name] = raw


def _scrub(request: HttpRequest, key: str) -> None:
    """Removes the key from headers in which proxies repeat the URL (X-Original-URI, Referer)."""
    if not key:
        return
    for name, value in request.META.items():
        if isinstance(value, str) and key in value:
            request.META[name] = value.replace(f"/k/{key}", "").replace(key, REDACTED)

"""The WSGI layer before Django: repeats the answers of `/health` and `/` without a Django request.

Label Studio calls them before every page, containers and the supervisor all the time.
"""

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from time import perf_counter
from typing import Any, NamedTuple

from django.conf import settings
from django.http.request import split_domain_port, validate_host

from evals_backend import addresses
from mlapi import exception_handlers, request_cycle
from mlapi.authentication import by_basic
from mlapi.monitoring import counters
from registry.errors import HttpError

Application = Callable[[dict[str, Any], Callable], Iterable[bytes]]

# Any keys, of which `/health` checks none, and the route.
_PATH = re.compile(r"(/k/[^/]*)*(/health)?/?")


class Kind(NamedTuple):
    """The key of a cached answer: all that the answer to an allowed request depends on."""

    method: str
    route: str
    has_key: bool


class CachedResponse(NamedTuple):
    """A cached WSGI response."""

    status: str
    headers: list[tuple[str, str]]
    body: bytes


class HealthLayer:
    """WSGI middleware that caches the application's first answer of each kind and repeats it.

    All other requests go to Django: those with another host name, wrong credentials or another
    method, and a browser's request for `/`, which is redirected to the admin.
    """

    def __init__(self, application: Application) -> None:
        self._application = application
        self._answers: dict[Kind, CachedResponse] = {}

    def __call__(self, environ: dict[str, Any], start_response: Callable) -> Iterable[bytes]:
        kind = kind_of(environ)
        if kind is None:
            return self._application(environ, start_response)
        answer = self._answers.get(kind)
        if answer is None:
            return self._answer_first(kind, environ, start_response)
        started = perf_counter()
        start_response(answer.status, list(answer.headers))
        note(kind, environ, perf_counter() - started)
        return [answer.body]

    def cached(self, kind: Kind) -> CachedResponse | None:
        """The cached answer to a request of that kind; None before the first one."""
        return self._answers.get(kind)

    def _answer_first(
        self, kind: Kind, environ: dict[str, Any], start_response: Callable
    ) -> Iterable[bytes]:
        begun: list[Any] = []
        result = self._application(environ, lambda *args: begun.extend(args))
        try:
            body = b"".join(result)
        finally:
            getattr(result, "close", lambda: None)()
        status, headers = begun[0], begun[1]
        if status.startswith("200"):
            self._answers[kind] = CachedResponse(status, headers, body)
        start_response(status, list(headers))
        return [body]


def kind_of(environ: dict[str, Any]) -> Kind | None:
    """The kind of a request for the health that is allowed; None for every other one."""
    method = environ["REQUEST_METHOD"]
    if method not in ("GET", "HEAD"):
        return None
    match = _PATH.fullmatch(addresses.without_base_path(environ.get("PATH_INFO", "")))
    if match is None or not _is_allowed(environ.get("HTTP_HOST", ""), *settings.ALLOWED_HOSTS):
        return None
    has_key = match[1] is not None
    if not (has_key or match[2]) and exception_handlers.accepts_html(environ):
        return None  # a browser, which goes to the admin
    if not has_key:
        try:
            by_basic(environ)
        except HttpError:  # wrong, or too often
            return None
    return Kind(method, "health" if match[2] else "root", has_key)


@lru_cache(maxsize=128)
def _is_allowed(host: str, *allowed: str) -> bool:
    """Whether Django would accept this Host header; one without it is left to Django."""
    domain, _ = split_domain_port(host)
    return bool(domain) and validate_host(domain, allowed)


def note(kind: Kind, environ: dict[str, Any], seconds: float) -> None:
    """Count and log the request as its view does."""
    counters.note_request(kind.route, kind.method, 200, seconds)
    query = environ.get("QUERY_STRING", "")
    path = "/health" if kind.route == "health" else "/"
    request_cycle.log_request(
        f"{kind.method} {path}{f'?{query}' if query else ''}",
        200,
        request_cycle.request_id_of(environ),
        environ.get("REMOTE_ADDR", ""),
    )

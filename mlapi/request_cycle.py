"""The request cycle of Label Studio's routes, in place of the admin's chain of middleware.

These routes have no sessions, forms or cookies, so that no middleware for them runs.
"""

import logging
from collections.abc import Callable, Mapping
from typing import Any
from uuid import uuid4

import structlog
from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse
from django.urls import ResolverMatch

from mlapi import exception_handlers
from mlapi.urls import urlpatterns

log = structlog.get_logger(__name__)
ID_MAX = 64  # characters, as an event has it
# Not structlog's: a line of it takes about as long as the rest of a short request.
REQUESTS = logging.getLogger("mlapi.requests.finished")


class ProtocolMiddleware:
    """After AccessKeyMiddleware. Answers Label Studio's routes; all else takes the whole chain."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self._matches = _matches()

    def __call__(self, request: HttpRequest) -> HttpResponse:
        match = self._matches.get(request.path_info)
        if match is None:
            return self.get_response(request)
        request_id = request_id_of(request.META)
        # The thread's last request may have ended in the other chain, without clearing its own.
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        try:
            response = _response(request, match)
            line = f"{request.method} {request.get_full_path()}"
            log_request(line, response.status_code, request_id, request.META.get("REMOTE_ADDR", ""))
        finally:
            structlog.contextvars.clear_contextvars()
        return response


def _matches() -> dict[str, ResolverMatch]:
    """By path, what Django's resolver would find for it."""
    names = {pattern.name: pattern for pattern in urlpatterns}
    paths = {"/": "root"} | {
        f"/{name}{slash}": name for name in names if name != "root" for slash in ("", "/")
    }
    return {
        path: ResolverMatch(names[name].callback, (), {}, url_name=name)
        for path, name in paths.items()
    }


def _response(request: HttpRequest, match: ResolverMatch) -> HttpResponse:
    """The view's response with the headers that the whole chain would set."""
    try:
        request.get_host()
    except DisallowedHost:
        response = exception_handlers.host_not_allowed(request)
    else:
        request.resolver_match = match
        try:
            response = match.func(request)
        except Exception:  # noqa: BLE001 - the view answers every other error itself
            log.exception("request_failed", request=f"{request.method} {request.get_full_path()}")
            response = exception_handlers.server_error(request)
    headers = response.headers
    headers["Content-Length"] = str(len(response.content))
    headers["X-Content-Type-Options"] = "nosniff"
    headers["X-Frame-Options"] = settings.X_FRAME_OPTIONS
    headers["Referrer-Policy"] = settings.SECURE_REFERRER_POLICY
    headers["Cross-Origin-Opener-Policy"] = settings.SECURE_CROSS_ORIGIN_OPENER_POLICY
    return response


def log_request(request: str, status: int, request_id: str, address: str) -> None:
    """Write the line of an answered request, such as `GET /versions`, of a caller's address."""
    level = logging.INFO if status < 400 else logging.WARNING if status < 500 else logging.ERROR
    if REQUESTS.isEnabledFor(level):
        line = {"code": status, "request": request, "request_id": request_id, "ip": address}
        REQUESTS.log(level, "request_finished", extra=line)


def request_id_of(meta: Mapping[str, Any]) -> str:
    """The id that the caller or a proxy gave the request, else a new one."""
    return meta.get("HTTP_X_REQUEST_ID", "")[:ID_MAX] or str(uuid4())

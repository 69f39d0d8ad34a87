"""Errors as HTTP: one JSON form, and a reason phrase, which is what Label Studio shows its user."""

import http
from collections.abc import Mapping
from typing import Any

import orjson
import structlog
from django.http import HttpRequest, HttpResponse
from django.views import defaults
from rest_framework import exceptions as drf

from mlapi.errors import Internal, RouteUnknown, as_error, request_id
from registry.errors import EvalsError

log = structlog.get_logger(__name__)
REASON_MAX = 120  # characters


def reason_phrase(error: EvalsError) -> str:
    """One ASCII line of at most 120 characters with nothing from the caller's input.

    Of an error that is not the protocol's only the code and the hint of its class are
    known to be our own words.
    """
    text = getattr(error, "reason", None)
    if text is None:
        text = f"{error.code.replace('_', ' ').capitalize()}. {type(error).hint}"
    line = " ".join(text.split()).encode("ascii", "replace").decode()
    return line if len(line) <= REASON_MAX else f"{line[: REASON_MAX - 3].rstrip()}..."


def error_answer(error: EvalsError, headers: Mapping[str, str] | None = None) -> HttpResponse:
    """The error as an HTTP response."""
    body: dict[str, Any] = {
        "error": {
            "code": error.code,
            "message": error.message,
            "hint": error.hint,
            "request_id": request_id(),
        }
    }
    response = HttpResponse(
        orjson.dumps(body, default=str), status=error.status, content_type="application/json"
    )
    response.reason_phrase = reason_phrase(error) or http.HTTPStatus(error.status).phrase
    if error.status == 401:
        response["WWW-Authenticate"] = 'Basic realm="evals-backend"'
    for name, value in (headers or {}).items():
        response[name] = value
    return response


def handle(raised: Exception, context: dict[str, Any]) -> HttpResponse:
    """The exception handler of the protocol's views (Django REST framework's signature)."""
    error = as_error(raised)
    if error is raised and error.status >= 500:  # foreseen, and answered in full
        log.warning("protocol_error", code=error.code, reason=reason_phrase(error))
    elif error.status >= 500:
        log.error("protocol_error", code=error.code, exc_info=raised)
    headers = {}
    if isinstance(raised, drf.MethodNotAllowed):
        headers["Allow"] = ", ".join(context["view"].allowed_methods)
    return error_answer(error, headers)


def _is_protocol(request: HttpRequest) -> bool:
    has_key = getattr(request, "access_key", None) is not None
    return has_key or not request.path_info.startswith(("/admin/", "/api/"))


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """handler400."""
    if _is_protocol(request):
        return error_answer(as_error(exception))
    return defaults.bad_request(request, exception)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """handler404."""
    if _is_protocol(request):
        return error_answer(RouteUnknown())
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """handler500; django-structlog has logged the traceback."""
    if _is_protocol(request):
        return error_answer(Internal())
    return defaults.server_error(request)

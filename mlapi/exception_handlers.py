"""Turns exceptions into responses: of the protocol's views, and of Django outside of views."""

from collections.abc import Mapping
from typing import Any

import structlog
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import reverse
from rest_framework import exceptions as drf

from mlapi.errors import HostNotAllowed, RouteUnknown, as_error
from registry.errors import EvalsError, Internal
from registry.json_http import error_response, reason_phrase, request_id

log = structlog.get_logger(__name__)


def handle(raised: Exception, context: dict[str, Any]) -> HttpResponse:
    """The exception handler of the protocol's views (Django REST framework's signature)."""
    error = as_error(raised)
    if error is raised and error.status >= 500:  # an EvalsError: no traceback needed
        log.warning("protocol_error", code=error.code, reason=reason_phrase(error))
    elif error.status >= 500:
        log.error("protocol_error", code=error.code, exc_info=raised)
    headers = {"WWW-Authenticate": 'Basic realm="evals-backend"'} if error.status == 401 else {}
    if isinstance(raised, drf.MethodNotAllowed):
        headers["Allow"] = ", ".join(context["view"].allowed_methods)
    return error_response(error, headers)


def accepts_html(meta: Mapping[str, Any]) -> bool:
    """Whether a browser asks for a page; Label Studio, curl and probes accept anything."""
    return "text/html" in meta.get("HTTP_ACCEPT", "")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """handler400."""
    return _answer(request, as_error(exception), 400, "Bad request")


def host_not_allowed(request: HttpRequest) -> HttpResponse:
    """The answer to another host name; a browser's page says what to set, and links nowhere.

    Neither has the name that was sent.
    """
    error = HostNotAllowed()
    if _wants_json(request) or not accepts_html(request.META):
        response = error_response(error)
    else:
        context = {"title": "Host name not allowed", "request_id": request_id()}
        page = render_to_string("host_page.html", context)
        response = HttpResponse(page, status=error.status)
    response.headers["Vary"] = "Accept"
    return response


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """handler404."""
    return _answer(request, RouteUnknown(), 404, "Page not found")


def server_error(request: HttpRequest) -> HttpResponse:
    """handler500; django-structlog has logged the traceback."""
    return _answer(request, Internal(), 500, "An error inside the backend")


def _answer(request: HttpRequest, error: EvalsError, status: int, title: str) -> HttpResponse:
    """The error as JSON, or as a page."""
    if _wants_json(request):
        return error_response(error)
    context = {"title": title, "request_id": request_id(), "home": reverse("admin:index")}
    return HttpResponse(render_to_string("error_page.html", context), status=status)


def _wants_json(request: HttpRequest) -> bool:
    """Whether the error is JSON: in REST, for a key, and for all but browsers elsewhere."""
    path = request.path_info
    if getattr(request, "access_key", None) is not None or path.startswith("/api/"):
        return True
    return not (path.startswith("/admin/") or accepts_html(request.META))

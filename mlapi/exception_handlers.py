"""Turns exceptions into responses: of the protocol's views, and of Django outside of views."""

from typing import Any

import structlog
from django.http import HttpRequest, HttpResponse
from django.views import defaults
from rest_framework import exceptions as drf

from mlapi.errors import RouteUnknown, as_error
from registry.errors import Internal
from registry.json_http import error_response, reason_phrase

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


def _wants_json(request: HttpRequest) -> bool:
    """Whether the response is JSON: for all but the admin, which a key never reaches."""
    has_key = getattr(request, "access_key", None) is not None
    return has_key or not request.path_info.startswith("/admin/")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """handler400."""
    if _wants_json(request):
        return error_response(as_error(exception))
    return defaults.bad_request(request, exception)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """handler404."""
    if _wants_json(request):
        return error_response(RouteUnknown())
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """handler500; django-structlog has logged the traceback."""
    if _wants_json(request):
        return error_response(Internal())
    return defaults.server_error(request)

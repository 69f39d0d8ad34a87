"""REST's errors and exception handler: every error in one JSON form."""

from collections.abc import Callable
from typing import Any

import structlog
from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.core.exceptions import RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpResponse, UnreadablePostError
from rest_framework import exceptions as drf

from registry.errors import (
    BodyInvalid,
    BodyTooLarge,
    CredentialsMissing,
    CredentialsWrong,
    DatabaseUnavailable,
    EvalsError,
    HttpError,
    Internal,
    MethodNotAllowed,
    NotFound,
    RouteUnknown,
)
from registry.json_http import error_response

log = structlog.get_logger(__name__)


class PermissionDenied(HttpError):
    """The user lacks the permission, or the session's CSRF token."""

    code = "permission_denied"
    text = "This user may not do this."


class CsrfFailed(PermissionDenied):
    """A session's unsafe call without its CSRF token."""

    code = "csrf_failed"
    text = "The CSRF token is missing or wrong."


class InputInvalid(EvalsError):
    """A body or query that the route does not accept; the message names each field."""

    code = "input_invalid"


class CursorInvalid(HttpError):
    """A cursor of another list or order, or a changed one."""

    code = "cursor_invalid"
    text = "The cursor does not belong to this list in this order."


class MediaTypeUnknown(HttpError):
    """A body that is not JSON."""

    code = "media_type_unknown"
    text = "The body is not of the type application/json."


class NotAcceptable(HttpError):
    """The Accept header names none of the types that the route answers in."""

    code = "not_acceptable"
    text = "The route does not answer in this type."


def credentials_missing() -> CredentialsMissing:
    """The error of a request without session and token."""
    return CredentialsMissing(
        "No token and no session.",
        hint="Send Authorization: Token <token>; create one in the admin, under API tokens.",
    )


def credentials_wrong() -> CredentialsWrong:
    """The error of an unknown token, or of an inactive user's token."""
    return CredentialsWrong(
        "This token is unknown, or its user is not active.",
        hint="Create a token in the admin, under API tokens. An access key is not valid here.",
    )


def route_unknown() -> RouteUnknown:
    """No such route under /api/."""
    return RouteUnknown(hint="Every route ends in a slash; /api/docs/ lists them.")


_Raised = type[Exception] | tuple[type[Exception], ...]
_BY_FRAMEWORK: tuple[tuple[_Raised, Callable[[], HttpError]], ...] = (
    (drf.MethodNotAllowed, MethodNotAllowed),
    (drf.NotAuthenticated, credentials_missing),
    (drf.AuthenticationFailed, credentials_wrong),
    ((drf.PermissionDenied, DjangoPermissionDenied), PermissionDenied),
    (drf.UnsupportedMediaType, MediaTypeUnknown),
    (drf.NotAcceptable, NotAcceptable),
    (RequestDataTooBig, BodyTooLarge),
    ((UnreadablePostError, drf.ParseError), BodyInvalid),
    ((OperationalError, InterfaceError), DatabaseUnavailable),
)


def as_error(raised: Exception) -> EvalsError:
    """The error that a caller gets for an exception."""
    if isinstance(raised, EvalsError):
        return raised
    if isinstance(raised, drf.ValidationError):
        return InputInvalid("; ".join(_sentences(raised.detail)))
    if isinstance(raised, Http404 | drf.NotFound):
        return NotFound("There is no such object.")
    if isinstance(raised, drf.PermissionDenied) and "CSRF" in str(raised.detail):
        return CsrfFailed()
    return next(
        (error() for types, error in _BY_FRAMEWORK if isinstance(raised, types)), Internal()
    )


def handle(raised: Exception, context: dict[str, Any]) -> HttpResponse:
    """The exception handler of REST (Django REST framework's signature)."""
    error = as_error(raised)
    if error is raised and error.status == 503:  # temporary: no traceback is needed
        log.warning("rest_refused", code=error.code)
    elif error.status >= 500:
        log.error("rest_error", code=error.code, exc_info=raised)
    headers = {"WWW-Authenticate": "Token"} if error.status == 401 else {}
    if isinstance(raised, drf.MethodNotAllowed):
        headers["Allow"] = ", ".join(context["view"].allowed_methods)
    return error_response(error, headers)


def _sentences(detail: Any, path: str = "") -> list[str]:
    """`reason: This field is required.` for each invalid field, at any depth."""
    if isinstance(detail, dict):
        return [s for name, value in detail.items() for s in _sentences(value, _under(path, name))]
    if isinstance(detail, list):
        return [s for value in detail for s in _sentences(value, path)]
    return [f"{path}: {detail}" if path else str(detail)]


def _under(path: str, name: Any) -> str:
    if name in ("non_field_errors", "__all__"):
        return path
    return f"{path}.{name}" if path else str(name)

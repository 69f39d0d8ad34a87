"""What REST answers when a call is refused or fails: every error in the one JSON form."""

from typing import Any

import structlog
from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.core.exceptions import RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpResponse, UnreadablePostError
from rest_framework import exceptions as drf

from registry.error_answers import error_answer
from registry.errors import EvalsError, NotFound
from registry.http_errors import (
    BodyInvalid,
    BodyTooLarge,
    DatabaseUnavailable,
    HttpError,
    Internal,
    MethodNotAllowed,
)

log = structlog.get_logger(__name__)


class CredentialsMissing(HttpError):
    """Nobody is logged in, and no token came."""

    code = "credentials_missing"
    status = 401
    text = "No token and no session."
    hint = "Send Authorization: Token <token>; tokens are made in the admin, under API tokens."


class CredentialsWrong(HttpError):
    """A token that is not ours, or of a user who is not active. An access key is no token."""

    code = "credentials_wrong"
    status = 401
    text = "This token is unknown, or its user is not active."
    hint = "Make a token in the admin, under API tokens. An access key opens nothing here."


class Forbidden(HttpError):
    """The user lacks the permission, or the session's CSRF token."""

    code = "permission_denied"
    status = 403
    text = "This user may not do this."
    hint = "Viewers read, leads train and promote, admins do the rest: ask for the group."


class CsrfFailed(Forbidden):
    """A session's unsafe call without its CSRF token."""

    code = "csrf_failed"
    text = "The CSRF token is missing or wrong."
    hint = "Send X-CSRFToken, or use a token instead of the session."


class InputInvalid(EvalsError):
    """What was sent is not what the route takes; the message names each field."""

    code = "input_invalid"
    status = 400
    hint = "The schema is at /api/schema/, for people at /api/docs/."


class CursorInvalid(HttpError):
    """A cursor that no page of this list gave out."""

    code = "cursor_invalid"
    text = "This cursor is not of this list in this order."
    hint = "Begin again without one, and follow `next` as it is."


class RouteUnknown(HttpError):
    """No such route under /api/."""

    code = "route_unknown"
    status = 404
    text = "No such route."
    hint = "Every route ends in a slash; /api/docs/ has them all."


class MediaTypeUnknown(HttpError):
    """A body that is not JSON."""

    code = "media_type_unknown"
    status = 415
    text = "The body is not of the type application/json."
    hint = "Send Content-Type: application/json."


class NotAcceptable(HttpError):
    """The Accept header names none of the types that the route answers in."""

    code = "not_acceptable"
    status = 406
    text = "The route does not answer in this type."
    hint = "Leave the Accept header out, or ask for the type in the schema."


_BY_FRAMEWORK: tuple[tuple[type[Exception] | tuple[type[Exception], ...], type[HttpError]], ...] = (
    (drf.MethodNotAllowed, MethodNotAllowed),
    (drf.NotAuthenticated, CredentialsMissing),
    (drf.AuthenticationFailed, CredentialsWrong),
    ((drf.PermissionDenied, DjangoPermissionDenied), Forbidden),
    (drf.UnsupportedMediaType, MediaTypeUnknown),
    (drf.NotAcceptable, NotAcceptable),
    (RequestDataTooBig, BodyTooLarge),
    ((UnreadablePostError, drf.ParseError), BodyInvalid),
    ((OperationalError, InterfaceError), DatabaseUnavailable),
)


def as_error(raised: Exception) -> EvalsError:
    """What a caller may know of an exception."""
    if isinstance(raised, EvalsError):
        return raised
    if isinstance(raised, drf.ValidationError):
        return InputInvalid("; ".join(_sentences(raised.detail)))
    if isinstance(raised, Http404 | drf.NotFound):
        return NotFound("There is no such object.")
    if isinstance(raised, drf.PermissionDenied) and "CSRF" in str(raised.detail):
        return CsrfFailed()
    return next(
        (ours() for theirs, ours in _BY_FRAMEWORK if isinstance(raised, theirs)), Internal()
    )


def handle(raised: Exception, context: dict[str, Any]) -> HttpResponse:
    """The exception handler of REST (Django REST framework's signature)."""
    error = as_error(raised)
    if error is raised and error.status == 503:  # a passing one of ours, which says it all
        log.warning("rest_refused", code=error.code)
    elif error.status >= 500:
        log.error("rest_error", code=error.code, exc_info=raised)
    headers = {"WWW-Authenticate": "Token"} if error.status == 401 else {}
    if isinstance(raised, drf.MethodNotAllowed):
        headers["Allow"] = ", ".join(context["view"].allowed_methods)
    return error_answer(error, headers)


def _sentences(detail: Any, path: str = "") -> list[str]:
    """`reason: This field is required.` for each fault, however deep it lies."""
    if isinstance(detail, dict):
        return [s for name, value in detail.items() for s in _sentences(value, _under(path, name))]
    if isinstance(detail, list):
        return [s for value in detail for s in _sentences(value, path)]
    return [f"{path}: {detail}" if path else str(detail)]


def _under(path: str, name: Any) -> str:
    if name in ("non_field_errors", "__all__"):
        return path
    return f"{path}.{name}" if path else str(name)

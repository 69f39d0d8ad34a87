"""Every error of the protocol: its code, its status, its cause and its cure."""

import structlog
from django.core.exceptions import DisallowedHost, RequestDataTooBig, TooManyFieldsSent
from django.db import InterfaceError, OperationalError
from django.http import Http404, UnreadablePostError
from rest_framework import exceptions as drf

from registry.errors import EvalsError


class ProtocolError(EvalsError):
    """An error whose message and hint are our own constant words, so its reason phrase is both."""

    status = 400
    code = "bad_request"
    text = "The request cannot be understood."

    def __init__(self, message: str | None = None, *, hint: str | None = None) -> None:
        super().__init__(message or self.text, hint=hint)

    @property
    def reason(self) -> str:
        """Cause and cure on one line."""
        return f"{self.message} {self.hint}"


class BodyInvalid(ProtocolError):
    """The body is not the JSON that the route takes."""

    code = "body_invalid"
    text = "The body is not valid JSON."
    hint = "Send a JSON object in UTF-8."


class BodyTooLarge(ProtocolError):
    """Longer than MAX_REQUEST_MB."""

    code = "body_too_large"
    status = 413
    text = "The body is longer than MAX_REQUEST_MB allows."
    hint = "Raise the setting MAX_REQUEST_MB."


class LengthRequired(ProtocolError):
    """A chunked body: its length is not known before it is read."""

    code = "length_required"
    status = 411
    text = "The body has no Content-Length."
    hint = "Send one; chunked bodies are not taken."


class CredentialsMissing(ProtocolError):
    """No credentials, and anonymous callers are not allowed."""

    code = "credentials_missing"
    status = 401
    text = "No access key."
    hint = "Use the URL with /k/<key> of first-login.txt, or of: manage.py access_key new."


class CredentialsWrong(ProtocolError):
    """Basic credentials or a token that are not ours."""

    code = "credentials_wrong"
    status = 401
    text = "Wrong user, password or token."
    hint = "Use those of BASIC_AUTH_USER and BASIC_AUTH_PASS, or a URL with an access key."


class KeyUnknown(ProtocolError):
    """An access key that does not exist or was revoked."""

    code = "key_unknown"
    status = 401
    text = "This access key is unknown or revoked."
    hint = "Make one with: manage.py access_key new."


class ProjectUnknown(ProtocolError):
    """A project outside the caller's scope, or none at all: both read the same."""

    code = "project_unknown"
    status = 404
    text = "This access key does not open this project."
    hint = "Use the URL that was made for it, or a key without a scope."


class JobUnknown(ProtocolError):
    """No run with that id in the caller's scope; 410 as the first official backend answered."""

    code = "job_unknown"
    status = 410
    text = "No such job."
    hint = "Jobs are the ids that /train and START_TRAINING answered."


class ConfigUnserved(ProtocolError):
    """No control that a pipeline fills; the message is of the one that comes nearest."""

    code = "label_config_unserved"
    status = 400
    text = "No control that this backend can serve."


class ConfigInvalid(ProtocolError):
    """What was sent as a label config is none; the message says in our words what is wrong."""

    code = "label_config_invalid"
    status = 400
    text = "The label config is not valid."
    hint = "Save it again in Label Studio."


class NotReady(ProtocolError):
    """Something that the backend needs is not there."""

    code = "not_ready"
    status = 503
    text = "Not ready."
    retryable = True


class DatabaseUnavailable(NotReady):
    """PostgreSQL does not answer."""

    code = "database_unavailable"
    text = "The database does not answer."
    hint = "Start PostgreSQL, or correct DATABASE_URL."


class HostNotAllowed(ProtocolError):
    """The Host header names none of ALLOWED_HOSTS."""

    code = "host_not_allowed"
    text = "This host name is not in the setting ALLOWED_HOSTS."
    hint = "Add the name that Label Studio uses."


class RouteUnknown(ProtocolError):
    """No such route."""

    code = "route_unknown"
    status = 404
    text = "No such route."
    hint = "Paste the URL as it was printed, without a route behind it."


class MethodNotAllowed(ProtocolError):
    """The route exists, but not for this method."""

    code = "method_not_allowed"
    status = 405
    text = "This route does not take this method."


class Internal(ProtocolError):
    """A fault of ours. The traceback is in the log, under the same request id."""

    code = "internal_error"
    status = 500
    text = "An error inside the backend."
    hint = "Its log has the traceback under the request id of this answer."


_BY_FRAMEWORK: tuple[
    tuple[type[Exception] | tuple[type[Exception], ...], type[ProtocolError]], ...
] = (
    (Http404, RouteUnknown),
    (drf.MethodNotAllowed, MethodNotAllowed),
    (drf.NotAuthenticated, CredentialsMissing),
    (drf.AuthenticationFailed, CredentialsWrong),
    (drf.PermissionDenied, ProjectUnknown),
    (DisallowedHost, HostNotAllowed),
    (RequestDataTooBig, BodyTooLarge),
    (UnreadablePostError, BodyInvalid),
    ((drf.APIException, TooManyFieldsSent), ProtocolError),
    ((OperationalError, InterfaceError), DatabaseUnavailable),
)


def as_error(raised: BaseException) -> EvalsError:
    """What a caller may know of an exception."""
    if isinstance(raised, EvalsError):
        return raised
    return next(
        (ours() for theirs, ours in _BY_FRAMEWORK if isinstance(raised, theirs)), Internal()
    )


def request_id() -> str:
    """The id under which the log has this request."""
    return str(structlog.contextvars.get_contextvars().get("request_id", ""))

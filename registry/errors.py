"""Errors that a caller can act on: each cause has a class, and each class a stable code."""

from typing import Any

from registry.error_codes import CODES


class EvalsError(Exception):
    """Base of every error that is answered to a caller.

    `code` is stable and documented, `status` the HTTP status, `hint` what to do about it. A class
    that names a code has the rest from `registry.error_codes`.
    """

    code = "error"
    status = 500
    hint = ""
    retry_after_s = 0  # 0: no Retry-After is sent

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if known := CODES.get(cls.__dict__.get("code", "")):
            cls.status, cls.hint = known

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if hint is not None:
            self.hint = hint

    @property
    def sentence(self) -> str:
        """Cause and cure on one line."""
        return f"{self.message} {self.hint}".strip()


class Refused(EvalsError):
    """An action whose conditions do not hold; nothing was changed."""

    code = "refused"


class NotFound(EvalsError):
    """It does not exist, or lies outside the caller's scope: both read the same."""

    code = "not_found"


class HttpError(EvalsError):
    """An error whose message and hint are constants, so that both are its reason phrase."""

    code = "bad_request"
    text = "The request cannot be understood."

    def __init__(self, message: str | None = None, *, hint: str | None = None) -> None:
        super().__init__(message or self.text, hint=hint)


class BodyInvalid(HttpError):
    """The body is not the JSON that the route takes."""

    code = "body_invalid"
    text = "The body is not valid JSON."


class BodyTooLarge(HttpError):
    """Longer than MAX_REQUEST_MB."""

    code = "body_too_large"
    text = "The body is longer than MAX_REQUEST_MB allows."


class TooManyValues(HttpError):
    """More values, or more objects and lists, than a body may have, whatever its length."""

    code = "too_many_values"
    text = "The body has more than 300,000 objects and lists, or 5,000,000 values."


class LengthRequired(HttpError):
    """A chunked body: its length is not known before it is read."""

    code = "length_required"
    text = "The body has no Content-Length."


class MethodNotAllowed(HttpError):
    """The route exists, but not for this method."""

    code = "method_not_allowed"
    text = "This route does not take this method."


class NotReady(HttpError):
    """Something that the backend needs is unavailable."""

    code = "not_ready"
    text = "Not ready."


class Overloaded(HttpError):
    """Too many requests of a kind wait already."""

    code = "overloaded"
    text = "The backend has too much to do at this moment."


class RequestTimeout(HttpError):
    """The request was not received whole within its deadline."""

    code = "request_timeout"
    text = "The request was not received in time."


class DatabaseUnavailable(NotReady):
    """PostgreSQL does not answer."""

    code = "database_unavailable"
    text = "The database does not answer."


class Internal(HttpError):
    """An internal error. Its traceback is in the log, under the same request id."""

    code = "internal_error"
    text = "An error inside the backend."


class CredentialsMissing(HttpError):
    """The request has no credentials, and anonymous requests are not allowed."""

    code = "credentials_missing"
    text = "No access key."


class CredentialsWrong(HttpError):
    """Unknown credentials or token."""

    code = "credentials_wrong"
    text = "Wrong user, password or token."


class RouteUnknown(HttpError):
    """No such route."""

    code = "route_unknown"
    text = "No such route."

"""Errors of any HTTP route."""

from registry.errors import EvalsError


class HttpError(EvalsError):
    """An error whose message and hint are constants, so that both are its reason phrase."""

    code = "bad_request"
    text = "The request cannot be understood."

    def __init__(self, message: str | None = None, *, hint: str | None = None) -> None:
        super().__init__(message or self.text, hint=hint)

    @property
    def reason(self) -> str:
        """Cause and cure on one line."""
        return f"{self.message} {self.hint}".strip()


class BodyInvalid(HttpError):
    """The body is not the JSON that the route takes."""

    code = "body_invalid"
    text = "The body is not valid JSON."


class BodyTooLarge(HttpError):
    """Longer than MAX_REQUEST_MB."""

    code = "body_too_large"
    text = "The body is longer than MAX_REQUEST_MB allows."


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

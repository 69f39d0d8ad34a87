"""Errors that any HTTP route of ours may answer, whatever it is for."""

from registry.errors import EvalsError


class HttpError(EvalsError):
    """An error whose message and hint are our own constant words, so its reason phrase is both."""

    status = 400
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
    hint = "Send a JSON object in UTF-8."


class BodyTooLarge(HttpError):
    """Longer than MAX_REQUEST_MB."""

    code = "body_too_large"
    status = 413
    text = "The body is longer than MAX_REQUEST_MB allows."
    hint = "Raise the setting MAX_REQUEST_MB."


class LengthRequired(HttpError):
    """A chunked body: its length is not known before it is read."""

    code = "length_required"
    status = 411
    text = "The body has no Content-Length."
    hint = "Send one; chunked bodies are not taken."


class MethodNotAllowed(HttpError):
    """The route exists, but not for this method."""

    code = "method_not_allowed"
    status = 405
    text = "This route does not take this method."


class NotReady(HttpError):
    """Something that the backend needs is not there."""

    code = "not_ready"
    status = 503
    text = "Not ready."


class DatabaseUnavailable(NotReady):
    """PostgreSQL does not answer."""

    code = "database_unavailable"
    text = "The database does not answer."
    hint = "Start PostgreSQL, or correct DATABASE_URL."


class Internal(HttpError):
    """A fault of ours. The traceback is in the log, under the same request id."""

    code = "internal_error"
    status = 500
    text = "An error inside the backend."
    hint = "Its log has the traceback under the request id of this answer."

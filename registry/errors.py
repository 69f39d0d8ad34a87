"""Errors that a caller can act on: each cause has a class, and each class a stable code."""


class EvalsError(Exception):
    """Base of every error that is answered to a caller.

    `code` is stable and documented, `status` the HTTP status, and `hint` the cure.
    """

    code = "error"
    status = 500
    hint = ""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if hint is not None:
            self.hint = hint


class Refused(EvalsError):
    """An act whose conditions do not hold; nothing was changed."""

    code = "refused"
    status = 409


class NotFound(EvalsError):
    """It does not exist, or lies outside the caller's scope: both read the same."""

    code = "not_found"
    status = 404

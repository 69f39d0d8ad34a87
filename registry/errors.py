"""Errors that a caller can act on: each cause has a class, and each class a stable code."""

from typing import Any

from registry.error_codes import CODES


class EvalsError(Exception):
    """Base of every error that is answered to a caller.

    `code` is stable and documented, `status` the HTTP status, `hint` the cure, and `retry` says
    whether the same call may succeed later. A class that names a code has the rest from
    `registry.error_codes`.
    """

    code = "error"
    status = 500
    hint = ""
    retry = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if known := CODES.get(cls.__dict__.get("code", "")):
            cls.status, cls.hint, cls.retry = known

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if hint is not None:
            self.hint = hint


class Refused(EvalsError):
    """An action whose conditions do not hold; nothing was changed."""

    code = "refused"


class NotFound(EvalsError):
    """It does not exist, or lies outside the caller's scope: both read the same."""

    code = "not_found"

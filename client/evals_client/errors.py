"""What a request is refused with."""

from typing import Any

import httpx


class EvalsError(Exception):
    """An answer that is an error, or no answer.

    `code` is stable, `hint` the cure. `status` is the HTTP status, 0 where there was no answer.
    """

    def __init__(
        self, status: int, code: str, message: str, hint: str = "", request_id: str = ""
    ) -> None:
        super().__init__(f"{message} {hint}".strip())
        self.status = status
        self.code = code
        self.message = message
        self.hint = hint
        self.request_id = request_id


def error_of(response: httpx.Response) -> EvalsError:
    """The error that an answer is."""
    try:
        found: Any = response.json()["error"]
        return EvalsError(
            response.status_code,
            str(found["code"]),
            str(found["message"]),
            str(found["hint"]),
            str(found["request_id"]),
        )
    except (ValueError, KeyError, TypeError):
        message = f"{response.url.host} answered {response.status_code} {response.reason_phrase}."
        return EvalsError(response.status_code, "not_evals", message, "Is this the right URL?")

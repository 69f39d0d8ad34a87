"""An error as an HTTP response: a JSON body, and a reason phrase with cause and cure."""

import http
from collections.abc import Mapping
from typing import Any

import orjson
import structlog
from django.http import HttpResponse

from registry.errors import EvalsError, HttpError

REASON_PHRASE_MAX = 120  # characters


def reason_phrase(error: EvalsError) -> str:
    """One ASCII line of at most 120 characters with nothing from the caller's input.

    Of an error that is no HttpError only the code and the hint of its class are known to
    be our own words.
    """
    if isinstance(error, HttpError):
        text = error.sentence
    else:
        text = f"{error.code.replace('_', ' ').capitalize()}. {type(error).hint}"
    line = " ".join(text.split()).encode("ascii", "replace").decode()
    return (
        line if len(line) <= REASON_PHRASE_MAX else f"{line[: REASON_PHRASE_MAX - 3].rstrip()}..."
    )


def error_response(error: EvalsError, headers: Mapping[str, str] | None = None) -> HttpResponse:
    """The error as an HTTP response."""
    body = orjson.dumps({"error": error_body(error)}, default=str)
    response = HttpResponse(body, status=error.status, content_type="application/json")
    response.reason_phrase = reason_phrase(error) or http.HTTPStatus(error.status).phrase
    for name, value in (headers or {}).items():
        response[name] = value
    return response


def error_body(error: EvalsError) -> dict[str, Any]:
    """The JSON body of an error."""
    return {
        "code": error.code,
        "message": error.message,
        "hint": error.hint,
        "request_id": request_id(),
    }


def request_id() -> str:
    """The id under which the log has this request."""
    return str(structlog.contextvars.get_contextvars().get("request_id", ""))

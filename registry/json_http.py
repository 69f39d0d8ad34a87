"""JSON over HTTP: parses bodies, bounded in length, depth and values, and answers with errors."""

import http
import re
from collections.abc import Mapping
from typing import IO, Any

import orjson
import structlog
from django.conf import settings
from django.http import HttpResponse
from rest_framework.parsers import BaseParser

from registry.errors import (
    BodyInvalid,
    BodyTooLarge,
    EvalsError,
    HttpError,
    LengthRequired,
    TooManyValues,
)
from registry.json_sanitize import MAX_DEPTH, parse_tolerant

REASON_PHRASE_MAX = 120  # characters
RETRY_AFTER_S = 2  # of every 503
# Of a body. Numbers are the many: a brush region has 100,000. Objects and lists cost most, as each
# is looked at: this many take a second.
VALUES_MAX = 5_000_000
CONTAINERS_MAX = 300_000
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)


class JSONBody(BaseParser):
    """Parses any content type as JSON: some callers leave it out, and there is no other format.

    A value that is no JSON, in one of many tasks, does not spoil the others.
    """

    media_type = "*/*"

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None
    ) -> Any:
        """The value in the body. Raises BodyInvalid or BodyTooLarge."""
        meta = parser_context["request"].META
        limit = settings.MAX_REQUEST_MB * 1024 * 1024
        if int(meta.get("CONTENT_LENGTH") or 0) > limit:
            raise BodyTooLarge
        return self.value(stream.read(limit))

    def value(self, raw: bytes) -> Any:
        """The value in a body that was read. Raises BodyInvalid or TooManyValues."""
        require_few(raw)
        try:
            return parse_tolerant(raw)
        except UnicodeDecodeError:
            raise _not_utf8() from None
        except ValueError:
            raise BodyInvalid from None
        except RecursionError:
            raise _too_deep() from None


class JSONParser(JSONBody):
    """Parses `application/json` only, and refuses what JSON does not have."""

    media_type = "application/json"

    def value(self, raw: bytes) -> Any:
        require_few(raw)
        return loads(raw)


def require_few(raw: bytes) -> None:
    """Raises TooManyValues for a body with more than the limits above; before it is parsed.

    What stands in strings is not counted, where there are few enough of them to take them out.
    """
    if _are_few(raw):
        return
    if raw.count(b'"') > 2 * VALUES_MAX or not _are_few(_STRING.sub(b"", raw)):
        raise TooManyValues


def _are_few(raw: bytes) -> bool:
    if len(raw) <= min(CONTAINERS_MAX, VALUES_MAX):
        return True  # each takes a byte
    containers = raw.count(b"{") + raw.count(b"[")
    return containers <= CONTAINERS_MAX and containers + raw.count(b",") <= VALUES_MAX


def refuse_chunked(meta: dict[str, Any]) -> None:
    """Raises LengthRequired for a chunked body, which Django would read as empty."""
    if "chunked" in meta.get("HTTP_TRANSFER_ENCODING", "").lower():
        raise LengthRequired


def loads(raw: bytes | str) -> Any:
    """The JSON value in `raw`; NaN, infinities and lone surrogates are none. Raises BodyInvalid."""
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as e:
        if "UTF-8" in e.msg:
            raise _not_utf8() from None
        if "depth" in e.msg:
            raise _too_deep() from None
        raise BodyInvalid from None
    if _is_deeper(value, MAX_DEPTH):
        raise _too_deep()
    return value


def _not_utf8() -> BodyInvalid:
    return BodyInvalid("The body is not valid UTF-8.")


def _too_deep() -> BodyInvalid:
    return BodyInvalid(
        f"The body is nested deeper than {MAX_DEPTH} levels.", hint="Send a flatter one."
    )


def _is_deeper(value: Any, limit: int) -> bool:
    """Whether a value is nested deeper; without recursion. 1,500 tasks take 4 ms."""
    level = [value]
    for _ in range(limit):
        level = [
            child
            for parent in level
            if type(parent) in (dict, list)
            for child in (parent.values() if type(parent) is dict else parent)
            if type(child) in (dict, list)
        ]
        if not level:
            return False
    return True


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
    retry_after_s = error.retry_after_s
    if error.status == http.HTTPStatus.SERVICE_UNAVAILABLE:
        retry_after_s = retry_after_s or RETRY_AFTER_S
    if retry_after_s:
        response["Retry-After"] = str(retry_after_s)
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

"""HTTP messages: gunicorn parses the head, makes the WSGI environment and frames the answer."""

import copy
import io
import re
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from http import HTTPStatus
from time import time
from typing import Any

import structlog
from gunicorn import util
from gunicorn.config import Config
from gunicorn.http import wsgi
from gunicorn.http.body import ChunkedReader
from gunicorn.http.errors import (
    ConfigurationProblem,
    ExpectationFailed,
    LimitRequestHeaders,
    LimitRequestLine,
    NoMoreData,
    ParseException,
    UnsupportedTransferCoding,
)
from gunicorn.http.message import Request
from gunicorn.http.unreader import IterUnreader

from registry.errors import HttpError, Internal, Overloaded, RequestTimeout
from registry.json_http import error_response

log = structlog.get_logger(__name__)

Address = tuple[Any, ...]
Application = Callable[[dict[str, Any], Callable], Iterable[bytes]]

HEAD_MAX = 65_536  # bytes
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_LENGTH = re.compile(rb"\r\nContent-Length: ?([0-9]{1,9})\r\n", re.IGNORECASE)
# Headers of one request, or of a session, whose cookie is not to stay in memory.
_UNCACHEABLE = re.compile(rb"\r\n(?:Cookie|X-Request-ID|Traceparent):", re.IGNORECASE)
_CACHED_HEADS_MAX = 256
_CACHED_HEAD_MAX = 2_048  # bytes
_CONFIG = Config()
_STATUSES: Sequence[tuple[type[Exception], int]] = (
    (LimitRequestLine, 414),
    (LimitRequestHeaders, 431),
    (NoMoreData, 431),  # longer than a head may be, and still not whole
    (UnsupportedTransferCoding, 501),
    (ExpectationFailed, 417),
    (ConfigurationProblem, 500),
)


class RequestRefused(Exception):
    """A request that is not understood; `status` says how it is answered."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Head:
    """The parsed head of a request. Raises RequestRefused.

    `request` and the template of its environment belong to all requests with the same head, so
    neither is ever changed.
    """

    def __init__(self, raw: bytes, address: Address) -> None:
        try:
            self.request = Request(_CONFIG, IterUnreader([raw]), address)
            # A chunked body is not read: no view takes one.
            self.is_chunked = isinstance(self.request.body.reader, ChunkedReader)
            self.length = 0 if self.is_chunked else self.request.body.reader.length
        except (ParseException, ConfigurationProblem, NoMoreData, ValueError) as error:
            log.warning("request_refused", ip=address[0], error=type(error).__name__)
            statuses = (status for kind, status in _STATUSES if isinstance(error, kind))
            raise RequestRefused(next(statuses, 400)) from error
        self.expects_continue = self.request._expected_100_continue
        # `wsgi.create` would send it, when the body has been read already.
        self.request._expected_100_continue = False
        self._environ_template: list[dict[str, Any]] = []  # shared by its copies

    def with_length(self, length: int) -> "Head":
        """The same head for another body."""
        head = copy.copy(self)
        head.length = length
        return head

    def environ(self, client: Address, server: Address) -> dict[str, Any]:
        """The WSGI environment of one request, without its input. Raises RequestRefused."""
        if not self._environ_template:
            try:
                _, template = wsgi.create(self.request, _Sink(), client, server, _CONFIG)
            except ConfigurationProblem as error:
                raise RequestRefused(500) from error
            template["wsgi.multithread"] = template["wsgi.multiprocess"] = True
            for name in ("wsgi.file_wrapper", "wsgi.early_hints", "gunicorn.socket"):
                del template[name]
            self._environ_template.append(template)  # whole, for another thread may read it at once
        environ = self._environ_template[0] | {"REMOTE_PORT": str(client[1])}
        if "CONTENT_LENGTH" in environ:
            environ["CONTENT_LENGTH"] = str(self.length)
        return environ

    @property
    def keeps_alive(self) -> bool:
        """Whether the client wants a persistent connection."""
        return not self.request.should_close()


class HeadCache:
    """Parses heads, and caches them by their bytes without the body's length: clients repeat them.

    Used by the front's thread only.
    """

    def __init__(self) -> None:
        self._heads: OrderedDict[tuple[bytes, bytes, str], Head] = OrderedDict()

    def parse(self, raw: bytes, address: Address) -> Head:
        """The head of these bytes. Raises RequestRefused."""
        found = _LENGTH.search(raw)
        start, end = found.span(1) if found else (len(raw), len(raw))
        key, length = (raw[:start], raw[end:], address[0]), int(raw[start:end] or 0)
        head = self._heads.get(key)
        if head is not None:
            self._heads.move_to_end(key)
            return head.with_length(length)
        head = Head(raw, address)
        is_cacheable = len(raw) <= _CACHED_HEAD_MAX and not _UNCACHEABLE.search(raw)
        if is_cacheable and not head.is_chunked and head.length == length:
            self._heads[key] = head
            if len(self._heads) > _CACHED_HEADS_MAX:
                self._heads.popitem(last=False)
        return head


class _Sink:
    """What gunicorn's response writes to in place of a socket."""

    def __init__(self) -> None:
        self.chunks: list[bytes] = []

    def sendall(self, data: bytes) -> None:
        self.chunks.append(data)


class Exchange:
    """A request that was read whole, and its response. Raises RequestRefused.

    It is to be closed after its answer was sent, or the application has failed.
    """

    def __init__(self, head: Head, client: Address, server: Address, body: bytes) -> None:
        self._sink = _Sink()
        self._result: Any = None
        self._response = wsgi.Response(head.request, self._sink, _CONFIG)
        self.environ = head.environ(client, server)
        self.environ["wsgi.input"] = io.BytesIO(body)

    def answer(self, application: Application) -> bytes:
        """What the application answers."""
        self._result = application(self.environ, self._response.start_response)
        for chunk in self._result:
            self._response.write(chunk)
        self._response.close()
        return b"".join(self._sink.chunks)

    def force_close(self) -> None:
        """Have the answer close the connection."""
        self._response.force_close()

    def close(self) -> None:
        """Let the application complete the request, as PEP 3333 has it: it may do work then."""
        getattr(self._result, "close", lambda: None)()

    @property
    def keeps_alive(self) -> bool:
        """Whether the answer leaves the connection open."""
        return not self._response.should_close()


def error(status: int, *, keeps_alive: bool = False) -> bytes:
    """An answer without a view, as the views answer errors."""
    response = error_response(_ERRORS.get(status, HttpError)())
    lines = [
        f"HTTP/1.1 {status} {response.reason_phrase if status in _ERRORS else _phrase(status)}",
        f"Date: {http_date(int(time()))}",
        f"Connection: {'keep-alive' if keeps_alive else 'close'}",
        f"Content-Length: {len(response.content)}",
        *(f"{name}: {value}" for name, value in response.items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + response.content


_ERRORS: Mapping[int, type[HttpError]] = {408: RequestTimeout, 500: Internal, 503: Overloaded}


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase


def rendered(status: str, headers: Iterable[tuple[str, str]], body: bytes) -> tuple[bytes, bytes]:
    """An answer that is sent again and again, without its date: what comes before and after it."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    begin = f"HTTP/1.1 {status}\r\nServer: {wsgi.SERVER}\r\nDate: "
    return begin.encode("latin-1"), f"\r\n{lines}\r\n".encode("latin-1") + body


@lru_cache(maxsize=2)
def http_date(second: int) -> str:
    """The date header of that second."""
    return util.http_date(second)

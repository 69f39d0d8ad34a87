"""An application that answers everything alike, to be served by the project's own web server."""

from collections.abc import Callable, Iterable
from typing import Any

_BODY = b'{"status":"UP"}'
_HEADERS = [("Content-Type", "application/json"), ("Content-Length", str(len(_BODY)))]


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """The WSGI application."""
    environ["wsgi.input"].read()
    start_response("200 OK", _HEADERS)
    return [_BODY]

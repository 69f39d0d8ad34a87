"""Sends requests to a backend, and reads what is answered."""

import re
import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from evals_client.errors import EvalsError, error_of

_TRIES = 3
_LONGEST_WAIT_S = 30.0
_FILE_NAME = re.compile(r'filename="([^"/\\]+)"')


class Transport:
    """The connection to a backend."""

    def __init__(self, url: str, token: str, timeout: float) -> None:
        self._http = httpx.Client(
            base_url=url.rstrip("/"),
            headers={"Authorization": f"Token {token}", "User-Agent": "evals-client"},
            timeout=timeout,
        )

    def close(self) -> None:
        self._http.close()

    def send(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> httpx.Response:
        """The answer. Raises EvalsError.

        What only reads is sent again where the backend says when.
        """
        tries = _TRIES if method == "GET" else 1
        for left in reversed(range(tries)):
            response = self._send(method, path, query, body)
            if response.is_success:
                return response
            wait = _retry_after(response)
            if left == 0 or response.status_code != 503 or wait is None:
                raise error_of(response)
            time.sleep(wait)
        raise AssertionError("unreachable")

    def json(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Any:
        """The value that is answered."""
        return self.send(method, path, query, body).json()

    def pages(self, path: str, query: Mapping[str, Any]) -> Iterator[Any]:
        """The rows of a list, page after page. Of `next` only its cursor is used."""
        found = dict(query)
        while True:
            page = self.json("GET", path, found)
            yield from page["results"]
            if not page["next"]:
                return
            found["cursor"] = parse_qs(urlsplit(page["next"]).query)["cursor"][0]

    def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | None,
        body: Mapping[str, Any] | None,
    ) -> httpx.Response:
        params = {name: _text(value) for name, value in (query or {}).items() if value is not None}
        try:
            return self._http.request(method, path, params=params, json=body)
        except httpx.HTTPError as error:
            host = self._http.base_url
            message = f"{host} does not answer: {error or type(error).__name__}."
            raise EvalsError(0, "unreachable", message, "Check the URL.") from error
        except httpx.InvalidURL as error:
            raise EvalsError(0, "unreachable", f"The URL is none: {error}.") from error


def file_name(response: httpx.Response, usual: str) -> str:
    """The name that an answered file is to have."""
    found = _FILE_NAME.search(response.headers.get("Content-Disposition", ""))
    return found[1] if found else usual


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _retry_after(response: httpx.Response) -> float | None:
    text = response.headers.get("Retry-After", "")
    return min(float(text), _LONGEST_WAIT_S) if text.isdecimal() else None

"""Sends requests to Label Studio with a token, and raises a typed error where one fails.

On httpx rather than on `label_studio_sdk`'s client: that one builds typed objects of every
task (slow at 100,000, and it fails where Label Studio adds a value), follows redirects,
repeats failed calls on its own and takes 2 s to import.
"""

import contextlib
import json
import time
from collections.abc import Generator, Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Self

import httpx

from mlapi import certificates
from mlapi.labelstudio import interruptible
from mlapi.labelstudio.errors import (
    CertificateUntrusted,
    Forbidden,
    LabelStudioError,
    LegacyTokenDisabled,
    Missing,
    NotLabelStudio,
    Redirected,
    Rejected,
    ServerError,
    TimedOut,
    TokenInvalid,
    Unreachable,
)
from mlapi.labelstudio.interruptible import Checkpoint, InterruptibleNetwork
from registry.json_sanitize import parse_tolerant

CONNECT_S = 5.0
READ_S = 60.0  # without a byte
EXCHANGE_S = 120.0  # from the request's first byte to the response's last
# An access token is valid for 5 minutes; it is renewed before that.
_ACCESS_LIVES_S = 240


class HttpClient:
    """Requests to one Label Studio with one token. Close it, or use it in a `with`."""

    def __init__(
        self,
        url: str,
        key: str,
        *,
        read_timeout_s: float = READ_S,
        checkpoint: Checkpoint = lambda: None,
    ) -> None:
        """`checkpoint` is called several times a second while a request waits; it may raise."""
        self.url = url.rstrip("/")
        self.clock = datetime.now(UTC)  # the time by Label Studio's clock, at its last response
        self._network = InterruptibleNetwork(checkpoint)
        self._http = httpx.Client(
            auth=token_auth(key, self.url) if key else None,
            timeout=httpx.Timeout(read_timeout_s, connect=CONNECT_S),
            verify=certificates.tls(),
            follow_redirects=False,  # the token is sent to this URL only
            headers={"User-Agent": "evals-backend"},
        )
        interruptible.install(self._http, self._network)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def json(self, method: str, path: str, **kwargs: Any) -> Any:
        """The JSON of a response. Raises LabelStudioError, as do the other two."""
        response = self.request(method, path, **kwargs)
        try:
            return parse_tolerant(response.content)
        except (ValueError, RecursionError) as error:  # no JSON, no UTF-8, or nested without end
            raise NotLabelStudio(f"{self.url}{path} does not answer with JSON") from error

    def request(self, method: str, path: str, **kwargs: Any) -> httpx.Response:
        """A response, read to its end."""
        with self.stream(method, path, **kwargs) as response:
            response.read()
            return response

    @contextlib.contextmanager
    def stream(
        self,
        method: str,
        path: str,
        *,
        any_status: bool = False,
        exchange_s: float | None = None,
        **kwargs: Any,
    ) -> Iterator[httpx.Response]:
        """A response to be read by the caller. With `any_status` a 3xx or 4xx is one, too.

        `exchange_s` is for all of it, EXCHANGE_S where it is not given.
        """
        self._network.limit_next_exchange(EXCHANGE_S if exchange_s is None else exchange_s)
        try:
            with self._http.stream(method, self.url + path, **kwargs) as response:
                self.clock = _date_of(response)
                if response.status_code >= 300 and not any_status:
                    response.read()
                    raise _error_of(response, f"{method} {path}")
                yield response
        except ExchangeRefused as refused:
            raise _error_of(refused.response, "POST /api/token/refresh/") from refused
        except httpx.TimeoutException as error:
            if isinstance(error, httpx.ConnectTimeout):
                raise Unreachable(f"{self.url} does not answer") from error
            raise TimedOut(f"{method} {path} took Label Studio too long") from error
        except httpx.LocalProtocolError:
            # Its text contains the whole header, so neither it nor its traceback may be logged.
            raise TokenInvalid("The token has characters that no token has") from None
        except httpx.DecodingError as error:
            raise NotLabelStudio(f"{self.url}{path} answers what cannot be unpacked") from error
        except (httpx.TransportError, httpx.InvalidURL) as error:
            if failed := certificates.untrusted(error):
                raise CertificateUntrusted(
                    f"The certificate of {self.url} is not trusted: {certificates.reason(failed)}",
                    hint=certificates.cure(failed),
                ) from error
            raise Unreachable(f"{self.url} cannot be reached: {error}") from error


def _date_of(response: httpx.Response) -> datetime:
    """The time of the response by Label Studio's clock; by this one without a Date header."""
    try:
        date = parsedate_to_datetime(response.headers["date"])
        return date if date.tzinfo else date.replace(tzinfo=UTC)
    except (KeyError, ValueError):
        return datetime.now(UTC)


def _error_of(response: httpx.Response, call: str) -> LabelStudioError:
    """The error for a response that is not a success."""
    status, detail = response.status_code, _detail(response)
    outcome = f"{call} answered {status}" + (f": {detail}" if detail else "")
    if status < 300:
        return NotLabelStudio(f"{call} does not answer as Label Studio does")
    if status < 400:
        return Redirected(f"{call} is redirected to {response.headers.get('location', 'nowhere')}")
    if status == 401 and "legacy token" in detail:
        return LegacyTokenDisabled("Label Studio has legacy tokens switched off")
    if status == 401:
        return TokenInvalid(f"Label Studio does not accept the token ({outcome})")
    if status == 403:
        return Forbidden(f"The token's user may not do this ({outcome})")
    if status == 404:
        return Missing(f"Label Studio does not have it ({outcome})")
    if status >= 500:
        return ServerError(outcome)
    return Rejected(outcome)


def _detail(response: httpx.Response) -> str:
    """Label Studio's message about a refused request, on one line."""
    try:
        body = response.json()
    except (ValueError, RecursionError):
        return ""
    if not isinstance(body, dict):
        return ""
    errors = body.get("validation_errors")
    words = json.dumps(errors) if errors else str(body.get("detail") or "")
    return " ".join(words.split())[:300]


def is_personal_access_token(key: str) -> bool:
    """A personal access token is a JWT (three dotted parts); a legacy token is 40 hex digits."""
    return key.startswith("eyJ") and key.count(".") >= 1


class LegacyToken(httpx.Auth):
    """`Authorization: Token <key>`."""

    def __init__(self, key: str) -> None:
        self._key = key

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["Authorization"] = f"Token {self._key}"
        yield request


class PersonalAccessToken(httpx.Auth):
    """Exchanges the refresh token for an access token, before it expires and after a 401.

    Raises ExchangeRefused with Label Studio's response if it refuses.
    """

    def __init__(self, key: str, base_url: str) -> None:
        self._key = key
        self._refresh_url = f"{base_url}/api/token/refresh/"
        self._access = ""
        self._renew_at = 0.0

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        renewed = False
        if time.monotonic() >= self._renew_at:
            self._store((yield self._refresh(request)))
            renewed = True
        request.headers["Authorization"] = f"Bearer {self._access}"
        response = yield request
        if response.status_code == 401 and not renewed:
            self._store((yield self._refresh(request)))
            request.headers["Authorization"] = f"Bearer {self._access}"
            yield request

    def _refresh(self, request: httpx.Request) -> httpx.Request:
        return httpx.Request(
            "POST",
            self._refresh_url,
            json={"refresh": self._key},
            extensions={"timeout": request.extensions.get("timeout", {})},
        )

    def _store(self, response: httpx.Response) -> None:
        response.read()
        if response.status_code != 200:
            raise ExchangeRefused(response)
        try:
            self._access = str(response.json()["access"])
        except (ValueError, LookupError, TypeError, RecursionError):
            raise ExchangeRefused(response) from None
        self._renew_at = time.monotonic() + _ACCESS_LIVES_S


class ExchangeRefused(Exception):
    """Label Studio did not exchange the personal access token; has its response."""

    def __init__(self, response: httpx.Response) -> None:
        super().__init__(f"HTTP {response.status_code}")
        self.response = response


def token_auth(key: str, base_url: str) -> httpx.Auth:
    """The authentication of requests with this key."""
    return PersonalAccessToken(key, base_url) if is_personal_access_token(key) else LegacyToken(key)

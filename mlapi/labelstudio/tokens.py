"""Turns a Label Studio key of either kind into the header of each request."""

import time
from collections.abc import Generator

import httpx

# An access token lives 5 minutes. Ours to choose is only how long before that it is renewed.
_ACCESS_LIVES_S = 240


def is_personal_access_token(key: str) -> bool:
    """A personal access token is a JWT (three dotted parts); a legacy token is 40 hex digits."""
    return key.startswith("eyJ") and key.count(".") >= 1


class LegacyToken(httpx.Auth):
    """`Authorization: Token <key>`, as it is."""

    def __init__(self, key: str) -> None:
        self._key = key

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["Authorization"] = f"Token {self._key}"
        yield request


class PersonalAccessToken(httpx.Auth):
    """Exchanges the refresh token for an access token, before it expires and after a 401.

    Raises ExchangeRefused with Label Studio's answer where it does not exchange it.
    """

    def __init__(self, key: str, base_url: str) -> None:
        self._key = key
        self._refresh_url = f"{base_url}/api/token/refresh/"
        self._access = ""
        self._renew_at = 0.0

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        renewed = False
        if time.monotonic() >= self._renew_at:
            self._keep((yield self._refresh(request)))
            renewed = True
        request.headers["Authorization"] = f"Bearer {self._access}"
        response = yield request
        if response.status_code == 401 and not renewed:
            self._keep((yield self._refresh(request)))
            request.headers["Authorization"] = f"Bearer {self._access}"
            yield request

    def _refresh(self, request: httpx.Request) -> httpx.Request:
        return httpx.Request(
            "POST",
            self._refresh_url,
            json={"refresh": self._key},
            extensions={"timeout": request.extensions.get("timeout", {})},
        )

    def _keep(self, response: httpx.Response) -> None:
        response.read()
        if response.status_code != 200:
            raise ExchangeRefused(response)
        try:
            self._access = str(response.json()["access"])
        except (ValueError, LookupError, TypeError, RecursionError):
            raise ExchangeRefused(response) from None
        self._renew_at = time.monotonic() + _ACCESS_LIVES_S


class ExchangeRefused(Exception):
    """Label Studio did not exchange the personal access token; carries its answer."""

    def __init__(self, response: httpx.Response) -> None:
        super().__init__(f"HTTP {response.status_code}")
        self.response = response


def auth(key: str, base_url: str) -> httpx.Auth:
    """How requests with this key authenticate."""
    return PersonalAccessToken(key, base_url) if is_personal_access_token(key) else LegacyToken(key)

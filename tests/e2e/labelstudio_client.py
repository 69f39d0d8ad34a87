"""The API of a real Label Studio, as its user calls it: by token, or logged in as a browser."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

USER, PASSWORD = "admin@example.com", "adminadmin12"
TOKEN = "abcdef0123456789abcdef0123456789abcdef01"


class Refusal(AssertionError):
    """Label Studio answered with an error; `response` has it."""

    def __init__(self, response: httpx.Response) -> None:
        request = response.request
        super().__init__(
            f"{request.method} {request.url}: {response.status_code} {response.text[:1000]}"
        )
        self.response = response


class LabelStudioClient:
    """Calls the API of the Label Studio at `url`, with its legacy token."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.token = TOKEN
        self._http = httpx.Client(base_url=self.url, timeout=120)
        self._http.headers["Authorization"] = f"Token {TOKEN}"
        self._pat = ""

    def api(self, method: str, path: str, **kwargs: Any) -> Any:
        """Call its API with the legacy token; the decoded answer. Raises Refusal on an error."""
        return _decoded(self._http.request(method, path, **kwargs))

    @contextmanager
    def as_browser(self) -> Iterator[None]:
        """Makes `api` log in as a browser does, which also works without legacy tokens."""
        by_token = self._http
        with httpx.Client(base_url=self.url, timeout=120) as browser:
            browser.get("/user/login/")
            form = {"email": USER, "password": PASSWORD}
            form["csrfmiddlewaretoken"] = browser.cookies["csrftoken"]
            browser.post("/user/login/", data=form)
            browser.headers["X-CSRFToken"] = browser.cookies["csrftoken"]
            self._http = browser
            try:
                yield
            finally:
                self._http = by_token

    def personal_access_token(self) -> str:
        """A personal access token of the user; the one made first, as there can be only one."""
        if not self._pat:
            with self.as_browser():
                self._pat = self.api("POST", "/api/token/")["token"]
        return self._pat

    def legacy_tokens(self, enabled: bool) -> None:
        """Allow legacy tokens, or switch them off as new organisations have them."""
        settings = {"api_tokens_enabled": True, "legacy_api_tokens_enabled": enabled}
        with self.as_browser():
            self.api("POST", "/api/jwt/settings", json=settings)

    @contextmanager
    def without_legacy_tokens(self) -> Iterator[None]:
        """Legacy tokens are off within: `api` is refused, but for `as_browser`."""
        self.legacy_tokens(False)
        try:
            yield
        finally:
            self.legacy_tokens(True)


def _decoded(response: httpx.Response) -> Any:
    if response.status_code >= 400:
        raise Refusal(response)
    return response.json() if response.content else None

"""The client: a backend's resources, each by its name."""

from collections.abc import Mapping
from typing import Any, Self

import httpx

from evals_client.resources import Resources
from evals_client.transport import Transport


class Evals(Resources):
    """A backend at a URL, as the user of a token. Any threads may use it.

    Methods raise EvalsError. Dates are texts in ISO 8601. Close it, or use it in `with`.
    """

    def __init__(self, url: str, token: str, *, timeout: float = 60) -> None:
        self._transport = Transport(url, token, timeout)
        super().__init__(self._transport)

    def response(
        self, method: str, path: str, query: Mapping[str, Any] | None = None
    ) -> httpx.Response:
        """The answer of any route. Raises EvalsError."""
        return self._transport.send(method, path, query)

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

"""Calls the protocol's routes as Label Studio does, and counts queries."""

from contextlib import contextmanager
from typing import Any

import orjson
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

_TRANSACTION = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE")


class Caller:
    """A client under a base path, such as `/k/<key>`; server errors are answers, not exceptions."""

    def __init__(self, base: str = "", **headers: str) -> None:
        self.base = base
        self.headers = headers
        self.client = Client(raise_request_exception=False)

    def get(self, route: str, query: dict | None = None, **headers: str):
        return self.client.get(self.base + route, query or {}, headers={**self.headers, **headers})

    def post(self, route: str, body: Any = None, **headers: str):
        return self.raw(route, orjson.dumps({} if body is None else body), **headers)

    def raw(self, route: str, body: bytes, content_type: str = "application/json", **headers: str):
        return self.client.post(
            self.base + route,
            body,
            content_type=content_type,
            headers={**self.headers, **headers},
        )


@contextmanager
def queries(at_most: int):
    """The statements that were sent, without those that begin and end transactions."""
    with CaptureQueriesContext(connection) as captured:
        yield
    found = statements(captured)
    assert len(found) <= at_most, "\n".join(found)


def statements(captured: CaptureQueriesContext) -> list[str]:
    """The captured statements, without those that begin and end transactions."""
    return [q["sql"] for q in captured if not q["sql"].startswith(_TRANSACTION)]

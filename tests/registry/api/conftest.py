"""Callers of REST: an admin, a lead, a viewer, someone without a group, and nobody."""

from contextlib import contextmanager
from typing import Any

import orjson
import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from registry.actions import tokens
from tests import factories as make


class Caller:
    """Calls routes under /api/ with a token; server errors are answers, not exceptions."""

    def __init__(self, token: str | None = None) -> None:
        self.client = Client(raise_request_exception=False)
        self.headers = {"Authorization": f"Token {token}"} if token else {}

    def get(self, route: str, query: dict | None = None, **headers: str):
        return self.client.get(f"/api/{route}", query, headers={**self.headers, **headers})

    def post(self, route: str, body: Any = None):
        return self._send("post", route, body)

    def patch(self, route: str, body: Any = None):
        return self._send("patch", route, body)

    def rows(self, route: str, query: dict | None = None) -> list[dict]:
        answer = self.get(route, query)
        assert answer.status_code == 200, answer.content
        return answer.json()["results"]

    def _send(self, method: str, route: str, body: Any):
        return getattr(self.client, method)(
            f"/api/{route}",
            orjson.dumps({} if body is None else body),
            content_type="application/json",
            headers=self.headers,
        )


def caller(name: str, group: str | None) -> Caller:
    user = User.objects.create_user(name)
    if group:
        user.groups.add(Group.objects.get(name=group))
    return Caller(tokens.new_token(user))


@pytest.fixture
def admin(db):
    return caller("ada", "admin")


@pytest.fixture
def lead(db):
    return caller("lea", "lead")


@pytest.fixture
def viewer(db):
    return caller("vic", "viewer")


@pytest.fixture
def groupless_caller(db):
    return caller("oda", None)


@pytest.fixture
def anonymous_caller(db):
    return Caller()


def code(answer) -> str:
    """The code of a response in the error format."""
    error = answer.json()["error"]
    assert set(error) == {"code", "message", "hint", "request_id"}
    assert answer["Content-Type"] == "application/json"
    return error["code"]


@pytest.fixture
def project(db):
    return make.ProjectFactory(title="Sentiment")


@pytest.fixture
def version(project):
    return make.ModelVersionFactory(project=project, champion=True)


@contextmanager
def assert_queries(exactly: int):
    """Asserts the number of SQL statements, authentication's included."""
    with CaptureQueriesContext(connection) as captured:
        yield
    ends = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")
    statements = [q["sql"] for q in captured if not q["sql"].startswith(ends)]
    assert len(statements) == exactly, "\n".join(statements)


# The token with its user, the user's own permissions, those of the groups.
AUTH_QUERIES = 3

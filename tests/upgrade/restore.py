"""Restores the dump into a database of its own, and says what it held before it was migrated."""

import gzip
import json
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import StringIO
from typing import Any

import psycopg2
from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.core.management import CommandError, call_command
from django.db import connection
from django_q.signing import SignedPackage

from mlapi import model_cache
from tests.fixtures.database import DUMP

from .names import OLDER_NAMES_SQL


@dataclass(frozen=True)
class DumpContents:
    """The dump as SQL reads it, whatever today's code calls things."""

    rows: dict[str, list[dict[str, Any]]]  # by table
    permissions: dict[str, set[str]]  # by user's name: all that was granted, by groups or singly
    groups: dict[str, set[str]]  # by user's name
    content_types: dict[int, str]
    jobs: dict[int, tuple[str, str, tuple]]  # by id: cluster, function, arguments


def upgrade() -> None:
    """Runs an operator's commands for new code and old data, artifacts too."""
    call_command("migrate", verbosity=0)
    # The dump's store has the files of a few versions; test_serving says of which.
    with suppress(CommandError):
        call_command("convert_artifacts", stdout=StringIO(), stderr=StringIO())


def restore(name: str) -> DumpContents:
    """Make the database from the dump."""
    server(f"CREATE DATABASE {name}")
    with database(name):
        with connection.cursor() as cursor, gzip.open(DUMP, "rt", encoding="utf-8") as sql:
            cursor.execute(sql.read())
        connection.close()  # the dump has set a search path
        with connection.cursor() as cursor:
            cursor.execute(OLDER_NAMES_SQL)
        return _before()


def server(statement: str) -> None:
    """Execute a statement about databases; no connection of ours may be open to them."""
    connection.close()
    other = psycopg2.connect(settings.DATABASE_URL)
    other.autocommit = True  # `with` would be a transaction
    try:
        other.cursor().execute(statement)
    finally:
        other.close()


@contextmanager
def database(name: str) -> Iterator[None]:
    """Everything in here, threads too, uses the database of this name."""
    before = connection.settings_dict["NAME"]
    _use(name)
    try:
        yield
    finally:
        _use(before)


def _use(name: str) -> None:
    connection.close()
    connection.settings_dict["NAME"] = name
    # What processes keep by the ids of rows.
    ContentType.objects.clear_cache()
    model_cache.clear()


def rows(table: str) -> list[dict[str, Any]]:
    """All rows of a table as JSON objects."""
    return [json.loads(row) for (row,) in _select(f'SELECT to_jsonb(t)::text FROM "{table}" t')]


def _select(sql: str) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


_PERMISSIONS = """
SELECT u.username, t.app_label || '.' || p.codename
FROM auth_user u
JOIN (
    SELECT user_id, permission_id FROM auth_user_user_permissions
    UNION
    SELECT user_id, permission_id FROM auth_user_groups JOIN auth_group_permissions USING (group_id)
) held ON held.user_id = u.id
JOIN auth_permission p ON p.id = held.permission_id
JOIN django_content_type t ON t.id = p.content_type_id
"""
_GROUPS = """
SELECT u.username, g.name FROM auth_user u
JOIN auth_user_groups m ON m.user_id = u.id JOIN auth_group g ON g.id = m.group_id
"""


def _before() -> DumpContents:
    tables = _select("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    permissions, groups = defaultdict(set), defaultdict(set)
    for user, permission in _select(_PERMISSIONS):
        permissions[user].add(permission)
    for user, group in _select(_GROUPS):
        groups[user].add(group)
    types = _select("SELECT id, app_label || '.' || model FROM django_content_type")
    jobs = {}
    for id_, key, payload in _select("SELECT id, key, payload FROM django_q_ormq"):
        package = SignedPackage.loads(payload)
        jobs[id_] = (key, package["func"], package["args"])
    return DumpContents(
        rows={table: rows(table) for (table,) in tables},
        permissions=permissions,
        groups=groups,
        content_types=dict(types),
        jobs=jobs,
    )

"""Several first starts at once, and a release on the database of a later one."""

import subprocess
import sys
from contextlib import closing

import psycopg2
import pytest
from django.db import connection

from tests.evals_backend.running import ROOT, environment
from tests.mlapi.caller import Caller
from tests.ports import free_port
from tests.postgres import database_url

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def empty_database(tmp_path):
    """The URL of a database without a table, in the tests' PostgreSQL."""
    with closing(psycopg2.connect(database_url("postgres"))) as admin:
        admin.autocommit = True
        with admin.cursor() as cursor:
            cursor.execute("DROP DATABASE IF EXISTS empty")
            cursor.execute("CREATE DATABASE empty")
            yield database_url("empty")
            cursor.execute("DROP DATABASE empty WITH (FORCE)")


def started(data_dir, url: str, *command: str, **settings: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *command],
        cwd=ROOT,
        env=environment(data_dir, DATABASE_URL=url, LOG_LEVEL="ERROR", **settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_first_starts_at_once_and_a_later_release(empty_database, tmp_path):
    """A start migrates while the other waits; then the database becomes newer."""
    starts = [
        started(tmp_path / f"{i}", empty_database, "manage.py", "migrate", "-v", "0")
        for i in range(2)
    ]
    outputs = [start.communicate()[0] for start in starts]
    assert [start.returncode for start in starts] == [0, 0], outputs
    with closing(psycopg2.connect(empty_database)) as database, database, database.cursor() as own:
        own.execute("SELECT app, name FROM django_migrations")
        applied = own.fetchall()
        assert len(applied) == len(set(applied))
        own.execute(
            "INSERT INTO django_migrations (app, name, applied)"
            " VALUES ('registry', '9999_later', now())"
        )
    refused = [
        started(tmp_path / "web", empty_database, *command, PORT=str(free_port()))
        for command in (
            ("-m", "evals_backend.serve", "web"),
            ("manage.py", "worker"),
            ("manage.py", "migrate"),
        )
    ]
    for process in refused:
        output = process.communicate(timeout=300)[0]
        assert process.returncode == 1, output
        assert "of a later release: it has 9999_later. Install that release" in output
        assert "Traceback" not in output


def test_a_server_whose_database_was_migrated_by_a_later_release_is_not_ready(call):
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO django_migrations (app, name, applied)"
            " VALUES ('registry', '9999_later', now())"
        )
    try:
        answer = call.get("/ready")
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM django_migrations WHERE name = '9999_later'")
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "database_newer"


@pytest.fixture
def call(key) -> Caller:
    return Caller(f"/k/{key.plain}")

"""A worker that is killed within a query: PostgreSQL ends the query, and gives its locks back."""

import os
import signal

import pytest
from django.db import connection

from mlapi.locks import MIRROR, is_locked
from tests.faults.processes import python
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)
PROJECT = 77
WORK = f"""
import django
django.setup()
from django.db import connection
from mlapi.locks import MIRROR, project_lock
with project_lock({PROJECT}, wait=True), connection.cursor() as cursor:
    cursor.execute("SELECT pg_sleep(3600)")
"""


def long_queries() -> list[int]:
    """The sessions that are within the query."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity WHERE state = 'active' AND query = %s",
            ["SELECT pg_sleep(3600)"],
        )
        return [pid for (pid,) in cursor.fetchall()]


def test_the_query_of_a_killed_worker_ends_and_its_locks_are_free():
    with python("-c", WORK) as worker:
        try:
            assert eventually(long_queries)
            assert is_locked(PROJECT, MIRROR)
        finally:
            os.kill(worker.pid, signal.SIGKILL)
    assert eventually(lambda: not is_locked(PROJECT, MIRROR))
    assert eventually(lambda: long_queries() == [])


def test_a_server_without_that_setting_is_used_as_it_is(monkeypatch):
    monkeypatch.setattr("registry.postgresql.base._CHECK_CLIENT", "SET no_such_setting = '1s'")
    connection.close()
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('client_connection_check_interval')")
        assert cursor.fetchone() == ("0",)
    connection.close()

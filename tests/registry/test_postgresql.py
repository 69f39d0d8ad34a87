"""The database backend: a health check without a query, and deadlines that the client keeps."""

import psycopg2
import pytest
from django.db import OperationalError, connection
from django.db.backends.postgresql import base as plain
from psycopg2 import extensions

from registry.postgresql import deadline
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def deadlines():
    deadline.install()
    yield
    extensions.set_wait_callback(None)
    connection.close()


def test_a_connection_is_known_to_be_usable_without_a_query(monkeypatch):
    checks = []
    usable = plain.DatabaseWrapper.is_usable
    monkeypatch.setattr(
        plain.DatabaseWrapper, "is_usable", lambda self: checks.append(self) or usable(self)
    )
    connection.ensure_connection()
    assert connection.is_usable()
    assert checks == []
    number = connection.connection.info.backend_pid
    other = psycopg2.connect(**connection.get_connection_params())
    with other, other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [number])
    other.close()
    assert eventually(lambda: not connection.is_usable())
    assert checks
    connection.close()
    assert not connection.is_usable()


def test_a_query_ends_at_its_deadline_and_the_next_connection_works(deadlines):
    with pytest.raises(OperationalError, match="in time"), deadline.within(0.3):
        connection.cursor().execute("SELECT pg_sleep(60)")
    connection.close()
    with deadline.within(30), connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)


def test_a_deadline_within_another_one_is_never_later(deadlines):
    with deadline.within(0.3), deadline.within(60), pytest.raises(OperationalError):
        connection.cursor().execute("SELECT pg_sleep(60)")


def test_a_server_that_takes_a_connection_and_says_nothing_ends_at_the_deadline(deadlines):
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(psycopg2.OperationalError), deadline.within(0.3):
            psycopg2.connect(host="127.0.0.1", port=port, user="anna", dbname="anna")

"""Triggers and constraints hold after the migrations as they did before."""

import pytest
from django.db import IntegrityError, connection, transaction

from .constraints import ALLOWED, REFUSED

pytestmark = pytest.mark.django_db


def execute(sql: str) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.rowcount


@pytest.mark.parametrize(
    ("sql", "error"), [row[1:] for row in REFUSED], ids=[r[0] for r in REFUSED]
)
def test_the_database_refuses_to(sql, error):
    with pytest.raises(IntegrityError, match=error):
        execute(sql)


@pytest.mark.parametrize("sql", [row[1] for row in ALLOWED], ids=[row[0] for row in ALLOWED])
def test_the_database_allows_to(sql):
    assert execute(sql) > 0

"""Picks from captured queries those that a test is about."""

from collections.abc import Iterable
from typing import Any


def selects(queries: Iterable[dict[str, Any]], table: str) -> list[str]:
    """The SELECTs from a table, those that only count or look whether there is one included."""
    sqls = (query["sql"] for query in queries)
    return [sql for sql in sqls if sql.startswith("SELECT") and f'FROM "{table}"' in sql]


def rows_read(queries: Iterable[dict[str, Any]]) -> list[str]:
    """The SELECTs of whole task rows, as the mirror works on them."""
    return [sql for sql in selects(queries, "registry_task") if '"annotations"' in sql]

"""Fills an empty registry with millions of rows, for benchmarks."""

from collections.abc import Iterator
from pathlib import Path

from django.db import connection, transaction

PROJECTS = 200
# Of a project: its versions have 50 metrics each, and its champion two outcomes a task.
EACH = {"tasks": 1000, "versions": 100, "outcomes": 31, "events": 5000}
_STATEMENTS = Path(__file__).with_name("seeding.sql")


def load(scale: float = 1.0) -> Iterator[tuple[str, int]]:
    """Executes the steps; yields each table's name and its number of rows.

    At scale 1: 200 projects, 20,000 versions, 1,000,000 metrics, outcomes and events each.
    Nothing is written before the last step; there are at least 2 projects.
    """
    given = {"projects": max(2, round(PROJECTS * scale)), **EACH}
    _, *steps = _STATEMENTS.read_text().split("-- step: ")
    with connection.cursor() as cursor:
        with transaction.atomic():
            for step in steps:
                what, statements = step.split("\n", 1)
                cursor.execute(statements, given)
                yield what, cursor.rowcount
                # The next step joins these rows, and is planned for as many as there are.
                cursor.execute("ANALYZE")
        if not connection.in_atomic_block:  # as it is in tests
            cursor.execute("VACUUM ANALYZE")

"""Fills an empty database with millions of rows, for benchmarks."""

import time
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction

from registry.models import Project

_PROJECTS = 200
# Of a project: its versions have 50 metrics each, and its champion two outcomes a task.
_EACH = {"tasks": 1000, "versions": 100, "outcomes": 31, "events": 5000}
_STATEMENTS = Path(__file__).parents[1] / "seed_load.sql"


class Command(BaseCommand):
    """`seed_load [--scale 0.1]`; for a database of its own, because no action deletes versions."""

    help = "Fills an empty database with 200 projects and millions of rows, to measure pages on."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Adds the scale."""
        parser.add_argument("--scale", type=float, default=1.0, help="1: 200 projects")

    def handle(self, *args: Any, **options: Any) -> None:
        """Fills the database. Raises CommandError if it has projects."""
        if Project.objects.exists():
            raise CommandError(
                "This database has projects. Seeded ones could never be deleted again:"
                " use an empty database, with a DATA_DIR or DATABASE_URL of its own."
            )
        began = time.monotonic()
        for what, rows in _load(options["scale"]):
            self.stdout.write(f"{time.monotonic() - began:6.1f} s  {rows:>9,} {what}")


def _load(scale: float) -> Iterator[tuple[str, int]]:
    """Executes the steps; yields each table's name and its number of rows.

    At scale 1: 200 projects, 20,000 versions, 1,000,000 metrics, outcomes and events each.
    Nothing is written before the last step; there are at least 2 projects.
    """
    parameters = {"projects": max(2, round(_PROJECTS * scale)), **_EACH}
    _, *steps = _STATEMENTS.read_text().split("-- step: ")
    with connection.cursor() as cursor:
        with transaction.atomic():
            for step in steps:
                what, statements = step.split("\n", 1)
                cursor.execute(statements, parameters)
                yield what, cursor.rowcount
                # The next step joins these rows, and is planned for as many as there are.
                cursor.execute("ANALYZE")
        if not connection.in_atomic_block:  # as it is in tests
            cursor.execute("VACUUM ANALYZE")

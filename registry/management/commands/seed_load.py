"""Fills an empty database with millions of rows, for benchmarks."""

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from registry import seeding
from registry.models import Project


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
        for what, rows in seeding.load(options["scale"]):
            self.stdout.write(f"{time.monotonic() - began:6.1f} s  {rows:>9,} {what}")

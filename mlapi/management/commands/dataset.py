"""`manage.py dataset`: writes what a version learned from."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from mlapi.exports.dataset import written
from registry.engine import DATASET_FORMS
from registry.errors import EvalsError
from registry.management.cli import add_project, add_version, version_of


class Command(BaseCommand):
    """JSONL for programs, or JSON that Label Studio imports."""

    help = "Write the tasks and labels that a version learned from, and its holdout."
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Project, version, file and form."""
        add_project(parser)
        add_version(parser)
        parser.add_argument("file", help="a new file")
        parser.add_argument("--as", dest="form", choices=DATASET_FORMS, default=DATASET_FORMS[0])

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the file, and say how many bytes it has."""
        version = version_of(options)
        path = Path(options["file"])
        try:
            pieces = written(version, options["form"])
            with path.open("xb") as file:
                size = sum(file.write(piece) for piece in pieces)
        except EvalsError as error:
            raise CommandError(error.sentence) from error
        except OSError as error:
            raise CommandError(f"{path}: {error.strerror}.") from error
        self.stdout.write(f"The dataset of {version.label} is in {path}: {size:,} bytes.")

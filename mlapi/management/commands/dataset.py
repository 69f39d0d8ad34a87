"""`manage.py dataset`: writes what a version learned from."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from mlapi.exports.dataset import written
from registry.engine import DATASET_FORMS
from registry.errors import EvalsError
from registry.management.cli import find_project, find_version


class Command(BaseCommand):
    """JSONL for programs, or JSON that Label Studio imports."""

    help = "Write the tasks and labels that a version learned from, and its holdout."
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Project, version, file and form."""
        parser.add_argument("project", help="its uid, our id, or Label Studio's id")
        parser.add_argument("version", help="as v7-3fa2c1 or v7")
        parser.add_argument("file", help="a new file")
        parser.add_argument("--as", dest="form", choices=DATASET_FORMS, default=DATASET_FORMS[0])

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the file, and say how many bytes it has."""
        version = find_version(find_project(options["project"]), options["version"])
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

"""`manage.py restore FILE [--replace]`."""

import tarfile
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from evals_backend import backup
from evals_backend.postgres_wheel import PostgresFailed
from registry.errors import EvalsError


class Command(BaseCommand):
    """Restores a backup into an empty database, or in place of what is there."""

    help = "Restore a backup into an empty database, with the server stopped."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--replace", action="store_true", help="delete what the database holds first"
        )

    def handle(self, *args: Any, file: Path, replace: bool, **options: Any) -> None:
        try:
            restored, note = backup.restore(file, replace=replace)
        except EvalsError as error:
            raise CommandError(error.sentence) from error
        except (PostgresFailed, OSError, tarfile.TarError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"The backup of {restored.made_at} is restored, with {len(restored.artifacts)}"
            " artifacts."
        )
        for key, why in restored.missing.items():
            self.stderr.write(f"Was not in the backup: {key}. {why}")
        if note:
            self.stderr.write(note)

"""`manage.py backup FILE [--with-secrets]`."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from evals_backend import backup
from evals_backend.postgres_wheel import PostgresFailed


class Command(BaseCommand):
    """Writes a backup of the database and the artifacts, also while the server runs."""

    help = "Write the database and the artifacts into one file, also while the server runs."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--with-secrets",
            action="store_true",
            help="put SECRET_KEY and ENCRYPTION_KEYS into it, too: who has the file has them",
        )

    def handle(self, *args: Any, file: Path, with_secrets: bool, **options: Any) -> None:
        try:
            made = backup.write(file.resolve(), with_secrets=with_secrets)
        except (PostgresFailed, OSError) as error:
            raise CommandError(str(error)) from error
        for key, why in made.missing.items():
            self.stderr.write(f"Not in the backup: {key}. {why}")
        self.stdout.write(
            f"{file}: the database, {len(made.artifacts)} artifacts, and"
            f" {'the' if with_secrets else 'not the'} key {made.encryption_key}."
        )

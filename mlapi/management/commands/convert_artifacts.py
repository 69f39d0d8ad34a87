"""Converts stored artifacts of an old format, so that their versions load again."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from mlapi.conversion.converting import convert, unconverted
from registry.errors import EvalsError


class Command(BaseCommand):
    """One line for each version; those that are done already are not done again."""

    help = (
        "Converts the artifacts of versions that were trained before format 2. Each is read in a "
        "process of its own, and kept beside the file that it was, whose hash stays the "
        "version's. Champions come first. Can be run again at any time."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only say which there are")

    def handle(self, *args: Any, **options: Any) -> None:
        failed = 0
        found = list(unconverted())
        for version in found:
            name = f"{version.project} {version.label}"
            if options["dry_run"]:
                self.stdout.write(f"{name}: format {version.artifact_format}")
                continue
            try:
                convert(version)
            except EvalsError as error:
                failed += 1
                self.stderr.write(f"{name}: {error.sentence}")
            else:
                self.stdout.write(f"{name}: converted")
        if not found:
            self.stdout.write("No version has an artifact of an old format.")
        if failed:
            raise CommandError(f"{failed} of {len(found)} versions were not converted.")

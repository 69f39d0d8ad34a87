"""Converts a checkpoint of YOLO (.pt) into files that a label config can name."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from mlapi.conversion.yolo_checkpoint import convert
from registry.errors import EvalsError

_WARNING = (
    "A .pt file is a pickle: to read it runs the code in it, as this user, in a process of its "
    "own whose environment has none of this server's secrets. Convert only what you trust."
)


class Command(BaseCommand):
    """Asks before it runs the code, and writes over nothing."""

    help = f"Converts a checkpoint of a YOLO network of ultralytics to safetensors. {_WARNING}"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("checkpoint", type=Path, help="the .pt file")
        parser.add_argument("--to", type=Path, help="another folder than MODELS_DIR")
        parser.add_argument("--yes", action="store_true", help="run the file's code without asking")

    def handle(self, *args: Any, **options: Any) -> None:
        folder = options["to"] or (Path(settings.MODELS_DIR) if settings.MODELS_DIR else None)
        if folder is None or not folder.is_dir():
            raise CommandError("Set MODELS_DIR to a folder, or name one by --to.")
        self.stdout.write(_WARNING)
        if not options["yes"] and input("Run it? [y/N] ").strip().lower() != "y":
            raise CommandError("Nothing was run.")
        weights = folder / f"{options['checkpoint'].stem}.safetensors"
        try:
            convert(options["checkpoint"], weights)
        except EvalsError as error:
            raise CommandError(error.message) from error
        self.stdout.write(f'Converted: model_path="{weights.name}" in a label config names it.')

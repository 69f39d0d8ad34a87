"""Shows what a command found: rows as a table for people, or as JSON for programs."""

import json
from argparse import ArgumentParser
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.table import Table
from rich.text import Text

from registry.errors import EvalsError

Row = Mapping[str, Any]


class ShowingCommand(BaseCommand):
    """A command whose `show` returns plain values, which `--json` prints as they are.

    A refused act ends it with 1, with the cause and the cure.
    """

    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Adds `--json` and the command's own arguments."""
        parser.add_argument("--json", action="store_true", help="JSON instead of a table")
        self.arguments(parser)

    def arguments(self, parser: ArgumentParser) -> None:
        """The command's own."""

    def handle(self, *args: Any, **options: Any) -> None:
        """Prints the values of `show`."""
        try:
            found = self.show(options)
        except EvalsError as error:
            raise CommandError(f"{error.message} {error.hint}".strip()) from error
        if options["json"]:
            self.stdout.write(json.dumps(found, indent=2, ensure_ascii=False))
        else:
            self.print(found)

    def show(self, options: dict[str, Any]) -> Any:
        """The values to show, all of them JSON's."""
        raise NotImplementedError

    def print(self, found: Any) -> None:
        """Prints the values for people."""
        raise NotImplementedError

    @property
    def console(self) -> Console:
        """The console of tables; unlimited width if it is not a terminal."""
        console = Console(file=self.stdout)  # type: ignore[arg-type]
        if not console.is_terminal:
            console.width = 1000
        return console

    def say(self, text: str) -> None:
        """Prints a sentence without wrapping."""
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def table(self, rows: Sequence[Row], columns: Mapping[str, Callable[[Row], Any]]) -> None:
        """Prints rows as a table; a dash for missing values."""
        if not rows:
            self.say("None.")
            return
        table = Table(*columns)
        for row in rows:
            table.add_row(*(Text(_cell(column(row))) for column in columns.values()))
        self.console.print(table)


def _cell(value: Any) -> str:
    return "–" if value is None or value == "" else str(value)


def number(value: float | None) -> str | None:
    """A number with three decimals."""
    return None if value is None else f"{value:.3f}"


def minute(at: str | None) -> str | None:
    """An ISO time to the minute."""
    return at[:16].replace("T", " ") if at else None

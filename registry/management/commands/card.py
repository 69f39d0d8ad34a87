"""Prints a version's card."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from rich.markdown import Markdown

from registry.management.cli import ReportCommand, find_project, find_version
from registry.reports.card import card, card_markdown


class Command(ReportCommand):
    """`card PROJECT [VERSION] [--json]`: Markdown, drawn where it goes to a terminal."""

    help = "Prints a version's card: metrics, classes, mistakes, lineage, audit entries."

    def arguments(self, parser: ArgumentParser) -> None:
        """Adds the project and the version."""
        parser.add_argument("project", help="its uid, our id, or Label Studio's id")
        parser.add_argument("version", nargs="?", help="as v7-3fa2c1 or v7; else the champion")

    def show(self, options: dict[str, Any]) -> dict[str, Any]:
        """The card."""
        project = find_project(options["project"])
        name = options["version"] or project.served_version
        if name is None:
            raise CommandError(f"{project} has no champion: name a version.")
        return card(find_version(project, name))

    def print(self, found: Any) -> None:
        """Markdown."""
        text = card_markdown(found)
        console = self.console
        if console.is_terminal:
            console.print(Markdown(text))
        else:
            self.stdout.write(text)

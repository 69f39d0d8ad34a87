"""Prints a version's card."""

from argparse import ArgumentParser
from typing import Any

from rich.markdown import Markdown

from registry.management.cli import ReportCommand, add_project, add_version, version_of
from registry.reports.card import card, card_markdown


class Command(ReportCommand):
    """`card PROJECT [VERSION] [--json]`: Markdown, drawn where it goes to a terminal."""

    help = "Prints a version's card: metrics, classes, mistakes, lineage, audit entries."

    def arguments(self, parser: ArgumentParser) -> None:
        """Adds the project and the version."""
        add_project(parser)
        add_version(parser, optional=True)

    def show(self, options: dict[str, Any]) -> dict[str, Any]:
        """The card."""
        return card(version_of(options))

    def print(self, values: Any) -> None:
        """Markdown."""
        text = card_markdown(values)
        console = self.console
        if console.is_terminal:
            console.print(Markdown(text))
        else:
            self.stdout.write(text)

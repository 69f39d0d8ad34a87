"""Makes a version the champion of its project."""

from argparse import ArgumentParser
from typing import Any

from registry.actions.operator.promote import Promote
from registry.management.action_command import DoneCommand, add_arguments


class Command(DoneCommand):
    """`promote PROJECT VERSION --reason WHY [--json]`."""

    help = "Makes a version serve; Label Studio then asks for its predictions."

    def arguments(self, parser: ArgumentParser) -> None:
        """Adds the project, the version and the reason."""
        add_arguments(parser, Promote())

    def action(self, options: dict[str, Any]) -> Promote:
        """The action."""
        return Promote()

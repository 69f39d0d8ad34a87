"""Takes a project back to an earlier champion."""

from argparse import ArgumentParser
from typing import Any

from registry.actions.operator.roll_back import RollBack
from registry.management.action_command import DoneCommand, add_arguments


class Command(DoneCommand):
    """`rollback PROJECT --reason WHY [--to VERSION] [--json]`."""

    help = "Makes the champion before the current one serve again; repeated, it goes further back."

    def arguments(self, parser: ArgumentParser) -> None:
        """Adds the project, the version and the reason."""
        add_arguments(parser, RollBack())

    def action(self, options: dict[str, Any]) -> RollBack:
        """The action."""
        return RollBack()

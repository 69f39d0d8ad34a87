"""Executes an operator action that has no command of its own."""

from argparse import ArgumentParser
from typing import Any

from registry.actions.operator import Action, actions
from registry.management.action_command import DoneCommand, add_arguments


class Command(DoneCommand):
    """`action archive PROJECT VERSION --reason WHY [--json]`, and so on."""

    help = "Does what the buttons of the admin do."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Adds a sub-command for each action."""
        named = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        for action in _offered().values():
            one = named.add_parser(
                action.name, help=action.description, description=action.description
            )
            super().add_arguments(one)
            add_arguments(one, action)

    def action(self, options: dict[str, Any]) -> Action:
        """The action of the sub-command."""
        return _offered()[options["action"]]


def _offered() -> dict[str, Action]:
    return {action.name: action for action in actions() if action.in_commands}

"""Executes an operator action that has no command of its own."""

from argparse import ArgumentParser
from typing import Any

from registry.actions.operator import Action, actions
from registry.management.cli import ActionCommand, add_arguments


class Command(ActionCommand):
    """`action NAME ... [--json]`, such as `action archive PROJECT VERSION --reason WHY`."""

    help = "Does what the buttons of the admin do."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Adds a sub-command for each action."""
        named = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        for action in _offered().values():
            one = named.add_parser(
                action.name, help=action.description, description=action.description
            )
            one.add_argument("--json", action="store_true", help="JSON instead of a sentence")
            add_arguments(one, action)

    def chosen(self, options: dict[str, Any]) -> Action:
        """The action of the sub-command."""
        return _offered()[options["action"]]


def _offered() -> dict[str, Action]:
    return {action.name: action for action in actions() if action.in_commands}

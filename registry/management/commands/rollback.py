"""Takes a project back to an earlier champion."""

from registry.actions.operator.roll_back import RollBack
from registry.management.cli import ActionCommand


class Command(ActionCommand):
    """`rollback PROJECT --reason WHY [--to VERSION] [--json]`."""

    help = "Makes the champion before the current one serve again; repeated, it goes further back."
    operator_action = RollBack()

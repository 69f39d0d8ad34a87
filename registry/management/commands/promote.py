"""Makes a version the champion of its project."""

from registry.actions.operator.promote import Promote
from registry.management.cli import ActionCommand


class Command(ActionCommand):
    """`promote PROJECT VERSION --reason WHY [--json]`."""

    help = "Makes a version serve; Label Studio then asks for its predictions."
    operator_action = Promote()

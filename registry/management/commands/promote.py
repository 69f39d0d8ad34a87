"""Makes a version the champion of its project."""

import getpass
from argparse import ArgumentParser
from typing import Any

from registry.acts import champion
from registry.management.finding import find_project, find_version
from registry.management.moves import moved
from registry.management.shown import ShowingCommand


class Command(ShowingCommand):
    """`promote PROJECT VERSION --reason WHY [--json]`."""

    help = "Makes a version serve; Label Studio then asks for its predictions."

    def arguments(self, parser: ArgumentParser) -> None:
        """Which version, and why."""
        parser.add_argument("project", help="its uid, our id, or Label Studio's id")
        parser.add_argument("version", help="as v7-3fa2c1 or v7")
        parser.add_argument("--reason", required=True, help="kept with the act")

    def show(self, options: dict[str, Any]) -> dict[str, Any]:
        """The act."""
        version = find_version(find_project(options["project"]), options["version"])
        act = champion.promote(version, actor=getpass.getuser(), reason=options["reason"])
        return moved(act)

    def print(self, found: Any) -> None:
        """A sentence."""
        before = f" instead of {found['from']}" if found["from"] else ""
        self.say(f"{found['to']} serves{before}.")

"""Takes a project back to an earlier champion."""

import getpass
from argparse import ArgumentParser
from typing import Any

from registry.acts import champion
from registry.management.finding import find_project, find_version
from registry.management.moves import moved
from registry.management.shown import ShowingCommand


class Command(ShowingCommand):
    """`rollback PROJECT --reason WHY [--to VERSION] [--json]`."""

    help = "Makes the champion before the current one serve again; repeated, it goes further back."

    def arguments(self, parser: ArgumentParser) -> None:
        """Of which project, to which version, and why."""
        parser.add_argument("project", help="its uid, our id, or Label Studio's id")
        parser.add_argument("--to", help="a version, as v7-3fa2c1 or v7; else the one before")
        parser.add_argument("--reason", required=True, help="kept with the act")

    def show(self, options: dict[str, Any]) -> dict[str, Any]:
        """The act."""
        project = find_project(options["project"])
        to = find_version(project, options["to"]) if options["to"] else None
        act = champion.roll_back(project, actor=getpass.getuser(), reason=options["reason"], to=to)
        return moved(act)

    def print(self, found: Any) -> None:
        """A sentence."""
        before = f" instead of {found['from']}" if found["from"] else ""
        self.say(f"{found['to']} serves again{before}.")

"""Makes, lists and revokes access keys."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from evals_backend import addresses
from registry.actions.operator import Caller, Via
from registry.actions.operator.new_key import NewKey
from registry.actions.operator.revoke_key import RevokeKey
from registry.errors import EvalsError
from registry.management.cli import find_key
from registry.models import AccessKey, Project

CALLER = Caller("manage.py", Via.COMMAND)


class Command(BaseCommand):
    """`access_key new NAME`, `access_key list`, `access_key revoke ID`."""

    help = "Makes, lists and revokes the keys that stand in the URL pasted into Label Studio."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """One sub-command for each action."""
        actions = parser.add_subparsers(dest="action", required=True)
        new = actions.add_parser("new", help="make a key and print it; it cannot be shown again")
        new.add_argument("name", help="what it is for")
        new.add_argument(
            "--project", metavar="UID", help="opens this project only, as 12.1700000000"
        )
        new.add_argument("--hostname", default="", help="opens this Label Studio's projects only")
        actions.add_parser("list", help="all keys, with their scope and last use")
        revoke = actions.add_parser("revoke", help="make a key open nothing from now on")
        revoke.add_argument("id", type=int, help="as in the list")

    def handle(self, *args: Any, **options: Any) -> None:
        """Carry out the action."""
        try:
            getattr(self, f"_{options['action']}")(options)
        except EvalsError as error:
            raise CommandError(error.sentence) from error

    def _new(self, options: dict[str, Any]) -> None:
        project = None
        if options["project"]:
            project = Project.objects.filter(uid=options["project"]).first()
            if project is None:
                raise CommandError(f"No project has the uid {options['project']}.")
        values = {"name": options["name"], "project": project, "hostname": options["hostname"]}
        done = NewKey().execute(None, values, CALLER)
        key = done.row
        self.stdout.write(
            f"Key {key.pk}, {_scope(key)}. Paste into Label Studio, Settings > Model:"
        )
        for where, url in addresses.to_paste(done.secret):
            self.stdout.write(f"{where}: {url}")

    def _list(self, options: dict[str, Any]) -> None:
        for key in AccessKey.objects.select_related("project").order_by("pk"):
            used = (
                f"last used {key.last_used_at:%Y-%m-%d %H:%M}" if key.last_used_at else "not used"
            )
            state = f"revoked {key.revoked_at:%Y-%m-%d %H:%M}" if key.revoked_at else used
            self.stdout.write(f"{key.pk}\t{key.name}\t{_scope(key)}\t{state}")

    def _revoke(self, options: dict[str, Any]) -> None:
        key = find_key(options["id"])
        RevokeKey().execute(key, {"reason": ""}, CALLER)
        self.stdout.write(f"Key {key.pk} ({key.name}) opens nothing from now on.")


def _scope(key: AccessKey) -> str:
    if key.project:
        return f"project {key.project.uid}"
    return key.hostname or "any project"

"""New key: an access key is made, and shown once."""

from dataclasses import dataclass
from typing import Any

from registry.actions import keys
from registry.models import AccessKey

from .action import OPTIONAL_REASON, Action, Caller, Done, register


@dataclass(frozen=True)
class NewKeyDone(Done):
    """With the plain key, which is stored nowhere."""

    plain: str = ""


@register
class NewKey(Action[AccessKey]):
    """There is no subject yet: `name`, `project` and `hostname` are given.

    Each interface makes it at a place of its own: the page to add a key and the one to connect
    a project, POST /api/access-keys/, and `manage.py access_key new`.
    """

    name = "new_key"
    title = "New key"
    description = "Makes a key for Label Studio's routes. It is shown once."
    permission = "registry.add_accesskey"
    subject = AccessKey
    form = OPTIONAL_REASON
    button = None
    in_rest = False
    in_commands = False

    def execute(
        self, subject: AccessKey | None, given: dict[str, Any], caller: Caller
    ) -> NewKeyDone:
        key, plain = keys.new_key(actor=caller.name, **given)
        return NewKeyDone(f"The key {key.name} is made.", made=key, is_new=True, plain=plain)

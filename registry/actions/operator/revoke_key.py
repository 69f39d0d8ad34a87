"""Revoke a key: it opens nothing from now on."""

from typing import Any

from registry.actions import keys
from registry.errors import EvalsError
from registry.models import AccessKey

from .action import Action, Button, Caller, Change, Result, register


@register
class RevokeKey(Action[AccessKey]):
    """What uses the key stops working."""

    name = "revoke_key"
    title = "Revoke"
    description = "It opens nothing from now on: what uses it stops working."
    permission = "registry.revoke_accesskey"
    subject = AccessKey
    path = "revoke"
    button = Button(icon="block", variant="danger", place=10)
    in_commands = False  # `manage.py access_key revoke`

    def unavailable(self, subject: AccessKey) -> EvalsError | None:
        if subject.revoked_at:
            return keys.KeyRevoked(f"Access key {subject.name} is revoked already.")
        return None

    def changes(self, subject: AccessKey) -> list[Change]:
        return [Change(f"State of {subject.name}", "valid", "revoked")]

    def execute(self, subject: AccessKey, values: dict[str, Any], caller: Caller) -> Result:
        entry = keys.revoke(subject, actor=caller.name, reason=values["reason"])
        return Result(f"The key {subject.name} is revoked.", entry)

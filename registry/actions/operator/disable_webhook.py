"""Disable a webhook: nothing more is sent to it."""

from typing import Any

from registry.actions import webhooks
from registry.errors import EvalsError
from registry.models import Webhook

from .action import Action, Button, Caller, Change, Result, register


@register
class DisableWebhook(Action[Webhook]):
    """What waits to be sent is given up."""

    name = "disable_webhook"
    title = "Disable"
    description = "Nothing more is sent to it; what waits is given up."
    permission = "registry.manage_webhook"
    subject = Webhook
    path = "disable"
    button = Button(icon="block", variant="danger", place=30)

    def unavailable(self, subject: Webhook) -> EvalsError | None:
        if subject.disabled_at:
            return webhooks.WebhookState(f"The webhook {subject.name} is disabled already.")
        return None

    def changes(self, subject: Webhook) -> list[Change]:
        return [Change(f"State of {subject.name}", "enabled", "disabled")]

    def execute(self, subject: Webhook, values: dict[str, Any], caller: Caller) -> Result:
        entry = webhooks.disable(subject, actor=caller.name, reason=values["reason"])
        return Result(f"The webhook {subject.name} is disabled.", entry)

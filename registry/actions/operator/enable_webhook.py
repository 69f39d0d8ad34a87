"""Enable a webhook that was disabled."""

from typing import Any

from registry.actions import webhooks
from registry.errors import EvalsError
from registry.models import Webhook

from .action import Action, Button, Caller, Change, Result, register


@register
class EnableWebhook(Action[Webhook]):
    """Notifications are sent to it again from now on."""

    name = "enable_webhook"
    title = "Enable"
    description = "Notifications are sent to it again from now on."
    permission = "registry.manage_webhook"
    subject = Webhook
    path = "enable"
    button = Button(icon="check", place=20)

    def unavailable(self, subject: Webhook) -> EvalsError | None:
        if not subject.disabled_at:
            return webhooks.WebhookState(f"The webhook {subject.name} is enabled already.")
        return None

    def changes(self, subject: Webhook) -> list[Change]:
        return [Change(f"State of {subject.name}", "disabled", "enabled")]

    def execute(self, subject: Webhook, values: dict[str, Any], caller: Caller) -> Result:
        entry = webhooks.enable(subject, actor=caller.name, reason=values["reason"])
        return Result(f"The webhook {subject.name} is enabled.", entry)

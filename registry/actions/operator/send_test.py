"""Send a test to a webhook."""

from typing import Any

from registry.actions import webhooks
from registry.errors import EvalsError
from registry.models import Webhook

from .action import OPTIONAL_REASON, Action, Button, Caller, Result, register


@register
class SendTest(Action[Webhook]):
    """Its result is in the deliveries."""

    name = "send_test"
    title = "Send a test"
    description = "Sends a test as everything else is sent. Its deliveries say how it went."
    permission = "registry.manage_webhook"
    subject = Webhook
    path = "test"
    verb = "test_webhook"
    form = OPTIONAL_REASON
    button = Button(icon="send", path="send_test", place=10)

    def unavailable(self, subject: Webhook) -> EvalsError | None:
        if subject.disabled_at:
            return webhooks.WebhookState(f"The webhook {subject.name} is disabled.")
        return None

    def execute(self, subject: Webhook, values: dict[str, Any], caller: Caller) -> Result:
        entry, delivery = webhooks.send_test(
            subject, actor=caller.name, reason=values.get("reason", "")
        )
        return Result(f"The test is delivery {delivery.pk}.", entry)

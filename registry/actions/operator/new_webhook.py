"""New webhook: it is made, and its secret shown once."""

from typing import Any

from registry.actions import webhooks
from registry.models import Webhook

from .action import OPTIONAL_REASON, Action, Caller, Result, register


@register
class NewWebhook(Action[Webhook]):
    """It has no subject; its values are those of `webhooks.new_webhook`.

    Each interface has a place of its own for it: the page to add a webhook, and
    POST /api/webhooks/.
    """

    name = "new_webhook"
    title = "New webhook"
    description = "Makes a webhook. Its secret is shown once."
    permission = "registry.add_webhook"
    subject = Webhook
    form = OPTIONAL_REASON
    button = None
    in_rest = False
    in_commands = False  # its URL may be a secret, and a command line can be read by others

    def execute(self, subject: Webhook | None, values: dict[str, Any], caller: Caller) -> Result:
        webhook, secret = webhooks.new_webhook(actor=caller.name, **values)
        return Result(
            f"The webhook {webhook.name} is made.", row=webhook, is_new=True, secret=secret
        )

"""New secret: a webhook gets another, which is shown once."""

from typing import Any

from registry.actions import webhooks
from registry.models import Webhook

from .action import OPTIONAL_REASON, Action, Caller, register
from .new_webhook import SecretResult


@register
class NewWebhookSecret(Action[Webhook]):
    """Both secrets sign for a day, so that a receiver can be changed without a failed delivery.

    Each interface has a place of its own for it: the webhook's page, and
    POST /api/webhooks/<id>/new-secret/.
    """

    name = "new_webhook_secret"
    title = "New secret"
    description = "Makes another secret, which is shown once. The one before signs for a day more."
    permission = "registry.manage_webhook"
    subject = Webhook
    form = OPTIONAL_REASON
    button = None
    in_rest = False
    in_commands = False

    def execute(self, subject: Webhook, values: dict[str, Any], caller: Caller) -> SecretResult:
        entry, secret = webhooks.replace_secret(subject, actor=caller.name, **values)
        return SecretResult(f"{subject.name} has a new secret.", entry, secret=secret)

"""New secret: a webhook gets another, which is shown once."""

from typing import Any

from registry.actions import webhooks
from registry.models import Webhook

from .action import OPTIONAL_REASON, Action, Caller, Result, register


@register
class NewWebhookSecret(Action[Webhook]):
    """Both secrets sign for a day, so that a receiver can be changed without a failed delivery.

    The admin has a page for it: a dialog ends with a redirect, for which the secret would have to
    be stored.
    """

    name = "new_webhook_secret"
    path = "new_secret"
    title = "New secret"
    description = "Makes another secret, which is shown once. The one before signs for a day more."
    permission = "registry.manage_webhook"
    subject = Webhook
    form = OPTIONAL_REASON
    button = None
    in_commands = False  # a command prints a sentence or the audit entry, which have no secret
    answers_with_secret = True

    def execute(self, subject: Webhook, values: dict[str, Any], caller: Caller) -> Result:
        entry, secret = webhooks.replace_secret(subject, actor=caller.name, **values)
        return Result(f"{subject.name} has a new secret.", entry, secret=secret)

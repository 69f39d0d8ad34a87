"""What a receiver gets of a delivery: the body in its webhook's format, and headers that sign it.

The format is JSON of our own, or a message as Slack or Microsoft Teams takes it. The signature is
that of https://www.standardwebhooks.com, which receivers can verify.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, Iterable
from typing import Any

import orjson

from registry.models import WebhookDelivery
from registry.models.webhook import WebhookFormat

_PREFIX = "whsec_"
_TEXT_MAX = 2_500  # Slack takes 3,000 characters in a section


def body_of(delivery: WebhookDelivery) -> bytes:
    """The body in the format of its webhook, the same in every attempt."""
    message = {"id": str(delivery.uid), **delivery.message}
    return orjson.dumps(_FORMATS[delivery.webhook.format](message))


def _as_it_is(message: dict[str, Any]) -> dict[str, Any]:
    return message


def _slack(message: dict[str, Any]) -> dict[str, Any]:
    """See https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks."""
    title, text = _escaped(message["title"]), _escaped(message["text"][:_TEXT_MAX])
    # In a link `>` and `|` would end the address.
    url = message["url"].replace("|", "%7C").replace(">", "%3E")
    section = f"*{title}*\n{text}\n<{url}|Open>"
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": section}}]
    return {"text": title, "blocks": blocks}


def _escaped(text: str) -> str:
    """As Slack's mrkdwn has it, so that no text of ours mentions or links anything."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _teams(message: dict[str, Any]) -> dict[str, Any]:
    """An adaptive card, for *Post to a channel when a webhook request is received* (Workflows)."""
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [
            {"type": "TextBlock", "text": message["title"], "weight": "Bolder", "wrap": True},
            {"type": "TextBlock", "text": message["text"][:_TEXT_MAX], "wrap": True},
        ],
        "actions": [{"type": "Action.OpenUrl", "title": "Open", "url": message["url"]}],
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "content": card}
    return {"type": "message", "attachments": [attachment]}


_FORMATS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    WebhookFormat.JSON: _as_it_is,
    WebhookFormat.SLACK: _slack,
    WebhookFormat.TEAMS: _teams,
}


def signature_headers(
    uid: str, timestamp: int, body: bytes, secrets: Iterable[str]
) -> dict[str, str]:
    """The three headers; with several secrets one signature of each, with a blank between."""
    return {
        "webhook-id": uid,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(
            _signature(uid, timestamp, body, secret) for secret in secrets
        ),
    }


def _signature(uid: str, timestamp: int, body: bytes, secret: str) -> str:
    """`v1,` and the base64 of HMAC-SHA256 over id, timestamp (Unix seconds) and body, dotted."""
    key = base64.b64decode(secret.removeprefix(_PREFIX))
    content = f"{uid}.{timestamp}.".encode() + body
    digest = hmac.new(key, content, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"

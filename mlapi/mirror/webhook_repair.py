"""Checks and repairs the webhook through which Label Studio sends a project's annotations here.

Label Studio creates one when the backend is connected, but without headers: with basic auth
every event is then refused, silently. It does not create one for a host without a dot, and does
not delete it when the backend is removed.
"""

import base64
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from mlapi.labelstudio.client import LabelStudio
from mlapi.labelstudio.errors import LabelStudioError, Rejected
from registry.actions import keys
from registry.models import AccessKey, Project


class WebhookMisconfigured(LabelStudioError):
    """The project's webhook does not deliver its annotations; the message has the reason."""

    code = "labelstudio_webhook"
    step = "webhook"


class NoWebhookUrl(WebhookMisconfigured):
    """No URL of this backend is known that Label Studio could call."""

    hint = (
        "Connect this backend to the project in Label Studio (Settings > Model), with the URL "
        "that has an access key in it."
    )


class WebhookRejected(WebhookMisconfigured):
    """Label Studio rejects this backend's URL for a webhook."""

    hint = (
        "Its webhooks need a host with a dot in its name, localhost or an IP address; for a "
        "private address start Label Studio with SSRF_PROTECTION_ENABLED=0."
    )


def check(labelstudio: LabelStudio, project: Project, *, fix: bool = False) -> str:
    """The state of the project's webhook in one sentence; with `fix` it is repaired first.

    Raises WebhookMisconfigured with what is wrong.
    """
    own = [w for w in labelstudio.webhooks(project.labelstudio_id) if is_own(w["url"], project)]
    correct = [w for w in own if not find_faults(w, project)]
    if len(correct) == 1 and len(own) == 1:
        return f"{redact_key(correct[0]['url'])} gets all events"
    if not fix:
        raise WebhookMisconfigured(_problem(own, project))
    saved = _repair(labelstudio, project, correct or own)
    for webhook in own:
        if webhook["id"] != saved["id"]:
            labelstudio.delete_webhook(webhook["id"])
    return f"{redact_key(saved['url'])} gets all events now"


def is_correct(labelstudio: LabelStudio, project: Project) -> bool:
    """Whether the webhook needs no repair."""
    try:
        check(labelstudio, project)
    except WebhookMisconfigured:
        return False
    return True


def is_own(url: str, project: Project) -> bool:
    """Whether the URL is this backend's /webhook, at the URL by which Label Studio calls it."""
    base, parts = urlsplit(project.backend_url.rstrip("/")), urlsplit(url)
    if not base.netloc or (base.scheme, base.netloc) != (parts.scheme, parts.netloc):
        return False
    if not parts.path.startswith(f"{base.path}/"):
        return False
    inner = parts.path.removeprefix(base.path)
    return inner == "/webhook" or (inner.startswith("/k/") and inner.endswith("/webhook"))


def find_faults(webhook: dict[str, Any], project: Project) -> list[str]:
    """What is wrong with a webhook of this backend; empty if it delivers every event."""
    faults = []
    if not webhook["is_active"]:
        faults.append("is switched off")
    if not (webhook["send_payload"] and webhook["send_for_all_actions"]):
        faults.append("does not send everything")
    if not is_authorized(webhook["url"], webhook.get("headers") or {}, project):
        faults.append("carries no credentials that are accepted here, so each event is refused")
    return faults


def is_authorized(url: str, headers: dict[str, str], project: Project) -> bool:
    """Whether a request with this URL and these headers is authorized here."""
    if settings.ALLOW_ANONYMOUS:
        return True
    authorization = {name.lower(): value for name, value in headers.items()}.get("authorization")
    if authorization and authorization == _basic_auth().get("Authorization"):
        return True
    parts = urlsplit(url).path.split("/")
    if "k" not in parts[:-1]:
        return False
    plain = parts[len(parts) - 1 - parts[::-1].index("k") + 1]
    key = AccessKey.objects.filter(digest=keys.digest(plain), revoked_at=None).first()
    if key is None:
        return False
    return key.project_id in (None, project.pk) and key.hostname in ("", project.hostname)


def redact_key(url: str) -> str:
    """The URL with the access key in its path redacted."""
    before, mark, after = url.partition("/k/")
    return f"{before}/k/.../{after.partition('/')[2]}" if mark else url


def _repair(
    labelstudio: LabelStudio, project: Project, own: list[dict[str, Any]]
) -> dict[str, Any]:
    """Repair the first of these webhooks, or create one if there is none."""
    url = next((w["url"] for w in own if is_authorized(w["url"], {}, project)), "")
    headers = dict(own[0].get("headers") or {}) if own else {}
    if not url:
        connected = _connected_backend(labelstudio, project)
        url = _webhook_of(connected)
        # The password is sent only to a Label Studio that has proved to know it: anyone can make
        # this backend call a host of their own.
        if not is_authorized(url, headers, project) and project.knows_password:
            headers |= _basic_auth()
    if not is_authorized(url, headers, project):
        raise NoWebhookUrl(
            "The URL by which Label Studio knows us holds no access key that is valid here"
        )
    webhook = {
        "url": url,
        "headers": headers,
        "is_active": True,
        "send_payload": True,
        "send_for_all_actions": True,
    }
    if own:
        webhook["id"] = own[0]["id"]
    try:
        return labelstudio.save_webhook(project.labelstudio_id, webhook)
    except Rejected as error:
        raise WebhookRejected(
            f"Label Studio does not accept {redact_key(url)} as a webhook: {error.message}"
        ) from error


def _connected_backend(labelstudio: LabelStudio, project: Project) -> dict[str, Any]:
    """This backend's connection to the project; one with a valid key in its URL, if there is."""
    own = [
        backend
        for backend in labelstudio.ml_backends(project.labelstudio_id)
        if is_own(_webhook_of(backend), project)
    ]
    if not own:
        raise NoWebhookUrl("No ML backend of this project in Label Studio points here")
    return next((b for b in own if is_authorized(_webhook_of(b), {}, project)), own[0])


def _webhook_of(backend: dict[str, Any]) -> str:
    """The webhook's URL as Label Studio derives it from the backend's URL."""
    return backend["url"].rstrip("/") + "/webhook"


def _problem(own: list[dict[str, Any]], project: Project) -> str:
    if not own:
        return "The project has no webhook that points here, so annotations do not reach us"
    first = own[0]
    problems = find_faults(first, project)
    if not problems:
        return f"{len(own)} webhooks point here, so each event comes {len(own)} times"
    return f"The webhook {redact_key(first['url'])} " + " and ".join(problems)


def _basic_auth() -> dict[str, str]:
    if not (settings.BASIC_AUTH_USER and settings.BASIC_AUTH_PASS):
        return {}
    pair = f"{settings.BASIC_AUTH_USER}:{settings.BASIC_AUTH_PASS}"
    return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}

"""Checks and repairs the webhook through which Label Studio sends a project's annotations here.

Label Studio creates one when the backend is connected, but without headers: with basic auth
every event is then refused, silently. It does not create one for a host without a dot, and does
not delete it when the backend is removed.
"""

import base64
from typing import Any

from django.conf import settings

from mlapi.labelstudio.client import LabelStudio
from mlapi.labelstudio.errors import LabelStudioError, Rejected
from mlapi.mirror import own_urls
from registry.models import Project


class WebhookMisconfigured(LabelStudioError):
    """The project's webhook does not deliver its annotations; the message has the reason."""

    code = "labelstudio_webhook"
    step = "webhook"


class NoWebhookUrl(WebhookMisconfigured):
    """No URL of this backend is known that Label Studio could call."""

    hint = (
        "Connect this backend to the project in Label Studio (Settings > Model), with the URL "
        "that has an access key in it. If it is connected, set PUBLIC_URL to its URL there, "
        "without a key, and restart."
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
    hooks = labelstudio.webhooks(project.labelstudio_id)
    own, correct = _own(hooks, own_urls.known_bases(project), project)
    backends: list[dict[str, Any]] = []
    if len(correct) != 1 or len(own) != 1:  # Label Studio may know us by another URL
        backends = own_urls.connected_backends(labelstudio, project)
        urls = [own_urls.base_of(backend["url"]) for backend in backends]
        own, correct = _own(hooks, [*own_urls.known_bases(project), *urls], project)
    if len(correct) == 1 and len(own) == 1:
        return f"{redact_key(correct[0]['url'])} gets all events"
    if not fix:
        raise WebhookMisconfigured(_problem(own, project))
    saved = _repair(labelstudio, project, correct or own, backends)
    for webhook in own:
        if webhook["id"] != saved["id"]:
            labelstudio.delete_webhook(webhook["id"])
    return f"{redact_key(saved['url'])} gets all events now"


def _own(
    hooks: list[dict[str, Any]], bases: list[str], project: Project
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The webhooks at these URLs of this backend, and those of them that need no repair."""
    own = [hook for hook in hooks if own_urls.is_own(hook["url"], bases)]
    return own, [hook for hook in own if not find_faults(hook, project)]


def is_correct(labelstudio: LabelStudio, project: Project) -> bool:
    """Whether the webhook needs no repair."""
    try:
        check(labelstudio, project)
    except WebhookMisconfigured:
        return False
    return True


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
    key = own_urls.key_of(url)
    if key is None or key.revoked_at is not None:
        return False
    return key.project_id in (None, project.pk) and key.hostname in ("", project.hostname)


def redact_key(url: str) -> str:
    """The URL with the access key in its path redacted."""
    before, mark, after = url.partition("/k/")
    return f"{before}/k/.../{after.partition('/')[2]}" if mark else url


def _repair(
    labelstudio: LabelStudio,
    project: Project,
    own: list[dict[str, Any]],
    backends: list[dict[str, Any]],
) -> dict[str, Any]:
    """Repair the first of these webhooks, or create one for one of these backends."""
    url = next((w["url"] for w in own if is_authorized(w["url"], {}, project)), "")
    headers = dict(own[0].get("headers") or {}) if own else {}
    if not url:
        url = _webhook_url(backends, project)
        # The password is sent only to a Label Studio that has proved to know it, for a URL that is
        # certainly ours: anyone can make this backend call a host of their own.
        if project.knows_password and own_urls.is_own(url, own_urls.known_bases(project)):
            headers |= {} if is_authorized(url, headers, project) else _basic_auth()
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


def _webhook_url(backends: list[dict[str, Any]], project: Project) -> str:
    """The webhook's URL of one of these backends; of one with a valid key, if there is."""
    urls = [own_urls.webhook_of(backend["url"]) for backend in backends]
    if not urls:
        raise NoWebhookUrl("No ML backend of this project in Label Studio points here")
    return next((url for url in urls if is_authorized(url, {}, project)), urls[0])


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

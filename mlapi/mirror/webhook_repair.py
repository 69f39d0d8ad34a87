"""The webhook through which a project's annotations reach us: is it right, and making it right.

Label Studio makes one when the backend is connected, but without headers: behind basic
auth every annotation is then refused, silently. It drops one whose host has no dot, and
leaves it behind when the backend is removed.
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
    """Annotations made in Label Studio do not reach us; the message says why."""

    code = "labelstudio_webhook"
    step = "webhook"


class NoWebhookUrl(WebhookMisconfigured):
    """There is no URL of ours that Label Studio could be told to call."""

    hint = (
        "Connect this backend to the project in Label Studio (Settings > Model), with the URL "
        "that has an access key in it."
    )


class WebhookRejected(WebhookMisconfigured):
    """Label Studio does not take our URL for a webhook."""

    hint = (
        "Its webhooks need a host with a dot in its name, localhost or an IP address; for a "
        "private address start Label Studio with SSRF_PROTECTION_ENABLED=0."
    )


def check(labelstudio: LabelStudio, project: Project, *, fix: bool = False) -> str:
    """What the project's webhook is like; with `fix` it is made right first.

    Raises WebhookMisconfigured, which says what is wrong with it.
    """
    ours = [w for w in labelstudio.webhooks(project.labelstudio_id) if is_ours(w["url"], project)]
    right = [w for w in ours if not faults(w, project)]
    if len(right) == 1 and len(ours) == 1:
        return f"{redact_key(right[0]['url'])} gets all events"
    if not fix:
        raise WebhookMisconfigured(_what_is_wrong(ours, project))
    kept = _repair(labelstudio, project, right or ours)
    for webhook in ours:
        if webhook["id"] != kept["id"]:
            labelstudio.delete_webhook(webhook["id"])
    return f"{redact_key(kept['url'])} gets all events now"


def is_right(labelstudio: LabelStudio, project: Project) -> bool:
    """Whether there is nothing to mend."""
    try:
        check(labelstudio, project)
    except WebhookMisconfigured:
        return False
    return True


def is_ours(url: str, project: Project) -> bool:
    """Whether the URL is this backend's /webhook, at the address that Label Studio calls us by."""
    base, parts = urlsplit(project.backend_url.rstrip("/")), urlsplit(url)
    if not base.netloc or (base.scheme, base.netloc) != (parts.scheme, parts.netloc):
        return False
    if not parts.path.startswith(f"{base.path}/"):
        return False
    inner = parts.path.removeprefix(base.path)
    return inner == "/webhook" or (inner.startswith("/k/") and inner.endswith("/webhook"))


def faults(webhook: dict[str, Any], project: Project) -> list[str]:
    """What is wrong with a webhook of ours; empty if every event of the project reaches us."""
    found = []
    if not webhook["is_active"]:
        found.append("is switched off")
    if not (webhook["send_payload"] and webhook["send_for_all_actions"]):
        found.append("does not send everything")
    if not is_authorized(webhook["url"], webhook.get("headers") or {}, project):
        found.append("carries no credentials that are accepted here, so each event is refused")
    return found


def is_authorized(url: str, headers: dict[str, str], project: Project) -> bool:
    """Whether a call with this URL and these headers would be let in."""
    if settings.ALLOW_ANONYMOUS:
        return True
    given = {name.lower(): value for name, value in headers.items()}.get("authorization")
    if given and given == _basic_auth().get("Authorization"):
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
    """The URL without the access key in its path."""
    before, mark, after = url.partition("/k/")
    return f"{before}/k/.../{after.partition('/')[2]}" if mark else url


def _repair(
    labelstudio: LabelStudio, project: Project, ours: list[dict[str, Any]]
) -> dict[str, Any]:
    """Make the first webhook of ours right, or a new one where there is none."""
    url = next((w["url"] for w in ours if is_authorized(w["url"], {}, project)), "")
    headers = dict(ours[0].get("headers") or {}) if ours else {}
    if not url:
        connected = _connected_backend(labelstudio, project)
        url = _webhook_of(connected)
        # Only a Label Studio that has shown that it knows the password is given it again. Its own
        # word that it was would do for anyone who makes us call a host of theirs.
        if not is_authorized(url, headers, project) and project.knows_password:
            headers |= _basic_auth()
    if not is_authorized(url, headers, project):
        raise NoWebhookUrl(
            "The URL by which Label Studio knows us holds no access key that is valid here"
        )
    wanted = {
        "url": url,
        "headers": headers,
        "is_active": True,
        "send_payload": True,
        "send_for_all_actions": True,
    }
    if ours:
        wanted["id"] = ours[0]["id"]
    try:
        return labelstudio.save_webhook(project.labelstudio_id, wanted)
    except Rejected as error:
        raise WebhookRejected(
            f"Label Studio does not accept {redact_key(url)} as a webhook: {error.message}"
        ) from error


def _connected_backend(labelstudio: LabelStudio, project: Project) -> dict[str, Any]:
    """This backend as it is connected to the project; with a valid key in its URL, if any has."""
    ours = [
        backend
        for backend in labelstudio.ml_backends(project.labelstudio_id)
        if is_ours(_webhook_of(backend), project)
    ]
    if not ours:
        raise NoWebhookUrl("No ML backend of this project in Label Studio points here")
    return next((b for b in ours if is_authorized(_webhook_of(b), {}, project)), ours[0])


def _webhook_of(backend: dict[str, Any]) -> str:
    """The webhook's URL as Label Studio derives it from the backend's."""
    return backend["url"].rstrip("/") + "/webhook"


def _what_is_wrong(ours: list[dict[str, Any]], project: Project) -> str:
    if not ours:
        return "The project has no webhook that points here, so annotations do not reach us"
    first = ours[0]
    wrong = faults(first, project)
    if not wrong:
        return f"{len(ours)} webhooks point here, so each event comes {len(ours)} times"
    return f"The webhook {redact_key(first['url'])} " + " and ".join(wrong)


def _basic_auth() -> dict[str, str]:
    if not (settings.BASIC_AUTH_USER and settings.BASIC_AUTH_PASS):
        return {}
    pair = f"{settings.BASIC_AUTH_USER}:{settings.BASIC_AUTH_PASS}"
    return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}

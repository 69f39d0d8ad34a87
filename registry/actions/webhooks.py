"""Actions on webhooks: make, disable, test; and their deliveries, from the message to its end."""

import base64
import secrets
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from registry import queue
from registry.engine import engine
from registry.errors import Refused
from registry.json_sanitize import sanitize
from registry.models import AuditEntry, Project, Webhook, WebhookDelivery
from registry.models.webhook import DeliveryState, Topic
from registry.server import server

from . import base

# Until the attempt after the first, the second, ...; after the last one it is given up.
BACK_OFF_S = (30, 120, 600, 3_600, 3 * 3_600, 8 * 3_600, 24 * 3_600)
# An attempt that has not ended by then was lost with its worker.
LOST_AFTER = timedelta(seconds=60)
OLD_SECRET_SIGNS_FOR = timedelta(days=1)
_SECRET_BYTES = 32


class WebhookUrlRefused(Refused):
    """The URL is none that may be called."""

    code = "webhook_url_refused"


class WebhookState(Refused):
    """The webhook is disabled, or enabled, already."""

    code = "webhook_state"


def new_webhook(
    name: str,
    *,
    url: str,
    topics: Sequence[str],
    format: str,
    project: Project | None = None,
    actor: str,
    reason: str = "",
) -> tuple[Webhook, str]:
    """Make a webhook; return it and its secret, which is shown once. Raises WebhookUrlRefused."""
    host = engine().webhook_host(url)
    secret = _new_secret()
    with transaction.atomic():
        webhook = Webhook.objects.create(
            name=name,
            url=url.strip(),
            host=host,
            topics=sorted(set(topics)),
            format=format,
            project=project,
            secret=secret,
        )
        numbers = {"host": host, "topics": webhook.topics}
        _record("new_webhook", webhook, actor, reason, **numbers)
    return webhook, secret


@transaction.atomic
def replace_secret(webhook: Webhook, *, actor: str, reason: str = "") -> tuple[AuditEntry, str]:
    """Make a new secret, which is shown once. The one before signs beside it for a day."""
    row = Webhook.objects.select_for_update().get(pk=webhook.pk)
    secret, until = _new_secret(), timezone.now() + OLD_SECRET_SIGNS_FOR
    fields = {"secret": secret, "previous_secret": row.secret, "previous_until": until}
    base.update_row(webhook, fields)
    return _record("new_webhook_secret", webhook, actor, reason), secret


@transaction.atomic
def disable(webhook: Webhook, *, actor: str, reason: str = "") -> AuditEntry:
    """Send nothing more to it; what waits is given up. Raises WebhookState."""
    if not base.update_row(webhook, {"disabled_at": timezone.now()}, disabled_at__isnull=True):
        raise WebhookState(f"The webhook {webhook.name} is disabled already.")
    WebhookDelivery.objects.filter(webhook=webhook, state=DeliveryState.PENDING).update(
        state=DeliveryState.FAILED, ended_at=timezone.now()
    )
    return _record("disable_webhook", webhook, actor, reason)


@transaction.atomic
def enable(webhook: Webhook, *, actor: str, reason: str = "") -> AuditEntry:
    """Send to it again what happens from now on. Raises WebhookState."""
    if not base.update_row(webhook, {"disabled_at": None}, disabled_at__isnull=False):
        raise WebhookState(f"The webhook {webhook.name} is enabled already.")
    return _record("enable_webhook", webhook, actor, reason)


@transaction.atomic
def send_test(webhook: Webhook, *, actor: str, reason: str = "") -> tuple[AuditEntry, Any]:
    """Queue a test for it; return the delivery. Raises WebhookState where it is disabled."""
    if webhook.disabled_at:
        raise WebhookState(f"The webhook {webhook.name} is disabled.")
    message = _message(Topic.TEST, None, "A test of this webhook", f"Sent by {actor}.", "", {})
    delivery = _insert([webhook], Topic.TEST, None, message)[0]
    queue.deliver()
    return _record("test_webhook", webhook, actor, reason, delivery=str(delivery.uid)), delivery


def _record(verb: str, webhook: Webhook, actor: str, reason: str, **numbers: Any) -> AuditEntry:
    numbers = {"webhook": webhook.pk, "name": webhook.name, **numbers}
    return base.record(verb, actor=actor, project=webhook.project, reason=reason, numbers=numbers)


def _new_secret() -> str:
    """As https://www.standardwebhooks.com has it: base64 of random bytes, with a prefix."""
    return f"whsec_{base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()}"


def notify(
    topic: Topic,
    project: Project | None,
    title: str,
    text: str,
    *,
    data: dict[str, Any],
    url: str = "",
    cluster: str = queue.EVENTS,
) -> None:
    """Write a delivery for each webhook of the topic, and queue their sending on commit.

    Call it in the transaction of the change: nobody is notified of what is rolled back. One
    query where no webhook is for it.
    """
    scope = Q(project=None) | Q(project=project) if project else Q()
    webhooks = Webhook.objects.filter(scope, topics__contains=[topic], disabled_at__isnull=True)
    if found := list(webhooks.order_by("pk")):
        _insert(found, topic, project, _message(topic, project, title, text, url, data))
        queue.deliver(cluster)


def _message(
    topic: Topic, project: Project | None, title: str, text: str, url: str, data: dict[str, Any]
) -> dict[str, Any]:
    about = {"id": project.pk, "uid": project.uid, "title": project.title} if project else None
    message = {
        "topic": topic.value,
        "at": timezone.now().isoformat(),
        "server": {"url": server().url, "version": settings.VERSION},
        "project": about,
        "title": title,
        "text": text,
        "url": url or f"{server().url}/admin/",
        "data": data,
    }
    return sanitize(message)


def _insert(
    webhooks: Sequence[Webhook], topic: Topic, project: Project | None, message: dict[str, Any]
) -> list[WebhookDelivery]:
    now = timezone.now()
    return WebhookDelivery.objects.bulk_create(
        WebhookDelivery(webhook=one, topic=topic, project=project, message=message, due_at=now)
        for one in webhooks
    )


@transaction.atomic
def claim_delivery(but: Collection[int] = ()) -> WebhookDelivery | None:
    """The delivery that is due first, for this process alone; None without one.

    Without those of the webhooks `but`. It is due again after LOST_AFTER, unless its attempt is
    recorded by then.
    """
    now = timezone.now()
    due = WebhookDelivery.objects.filter(state=DeliveryState.PENDING, due_at__lte=now)
    row = (
        due.exclude(webhook__in=but)
        .select_for_update(skip_locked=True, of=("self",))
        .select_related("webhook")
        .order_by("due_at", "pk")
        .first()
    )
    if row is None:
        return None
    base.update_row(row, {"due_at": now + LOST_AFTER, "attempted": row.attempted + 1})
    return row


def is_delivery_due(but: Collection[int] = ()) -> bool:
    """Whether any is to be attempted now, those of the webhooks `but` left out."""
    due = WebhookDelivery.objects.filter(state=DeliveryState.PENDING, due_at__lte=timezone.now())
    return due.exclude(webhook__in=but).exists()


def forget_future(now: datetime) -> None:
    """Make due what would wait for longer than it is to: the clock was set back."""
    too_far = Q()
    for attempted, seconds in enumerate((0, *BACK_OFF_S, 0)):
        pause = max(timedelta(seconds=seconds), LOST_AFTER)
        too_far |= Q(attempted=attempted, due_at__gt=now + pause)
    WebhookDelivery.objects.filter(too_far, state=DeliveryState.PENDING).update(due_at=now)


def record_attempt(
    delivery: WebhookDelivery,
    *,
    at: datetime,
    seconds: float,
    status: int | None,
    error: str = "",
    is_final: bool = False,
) -> WebhookDelivery:
    """Record an attempt: delivered without an `error`, else due again later, or given up.

    `is_final`: the receiver wants no more of it. Nothing happens to a delivery that has ended
    meanwhile, or that another process has taken since.
    """
    entry = {"at": at.isoformat(), "status": status, "error": error, "seconds": round(seconds, 3)}
    now = timezone.now()
    fields: dict[str, Any] = {"attempts": sanitize([*delivery.attempts, entry])}
    if not error:
        fields |= {"state": DeliveryState.DELIVERED, "ended_at": now}
    elif is_final or delivery.attempted > len(BACK_OFF_S):
        fields |= {"state": DeliveryState.FAILED, "ended_at": now}
    else:
        fields["due_at"] = now + timedelta(seconds=BACK_OFF_S[delivery.attempted - 1])
    base.update_row(delivery, fields, state=DeliveryState.PENDING, attempted=delivery.attempted)
    return delivery


def purge_deliveries(before: datetime) -> int:
    """Delete what was delivered or given up before that; returns how many."""
    ended = WebhookDelivery.objects.exclude(state=DeliveryState.PENDING)
    return ended.filter(created_at__lt=before).delete()[0]

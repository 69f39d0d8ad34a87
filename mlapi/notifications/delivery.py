"""Sends what is due, one delivery after another, and records how it went."""

from http import HTTPStatus
from time import monotonic
from typing import NamedTuple

import structlog
from django.utils import timezone

from mlapi.domain import InputError
from mlapi.locks import delivery_slot
from mlapi.media import addresses, fetch
from mlapi.media.addresses import AddressRefused
from mlapi.media.download import Deadline
from mlapi.notifications import messages
from mlapi.notifications.hosts import ReceiverPolicy
from registry import queue
from registry.actions import webhooks
from registry.models import WebhookDelivery

log = structlog.get_logger(__name__)

# For a whole attempt. Receivers that hang hold one events worker for a turn at most.
TIMEOUT_S = 10.0
_TURN_S = 20.0
_ERRORS = {
    "media_timeout": f"It did not answer within {TIMEOUT_S:g} s.",
    "media_address_refused": "Its host leads into the private network, or is not to be called. "
    "List it in WEBHOOK_ALLOWED_HOSTS if that is meant.",
}


class DeliveryResult(NamedTuple):
    """A receiver's answer: its status, and why that is no success. `is_final`: never again."""

    status: int | None
    error: str = ""
    is_final: bool = False


def send_due() -> None:
    """Send what is due, for a turn; one process at a time, the others leave.

    A webhook that fails is left alone until the next turn. What is left, or has come in since, is
    another job's.
    """
    failed: set[int] = set()
    with delivery_slot() as is_free:
        if not is_free:
            return
        ends_at = monotonic() + _TURN_S
        while monotonic() < ends_at and (due := webhooks.claim_delivery(but=failed)):
            if not _send(due):
                failed.add(due.webhook_id)
    if webhooks.is_delivery_due(but=failed):
        queue.deliver()


def _send(delivery: WebhookDelivery) -> bool:
    """Attempt it once and record that; whether it was taken."""
    at, started = timezone.now(), monotonic()
    answer = _post(delivery, int(at.timestamp()))
    webhooks.record_attempt(
        delivery,
        at=at,
        seconds=monotonic() - started,
        status=answer.status,
        error=answer.error,
        is_final=answer.is_final,
    )
    # Without the URL, which may be a secret.
    about = {"webhook": delivery.webhook_id, "delivery": str(delivery.uid), "state": delivery.state}
    log.info("webhook_attempted", **about, status=answer.status, error=answer.error)
    return not answer.error


def _post(delivery: WebhookDelivery, timestamp: int) -> DeliveryResult:
    webhook, body = delivery.webhook, messages.body_of(delivery)
    try:
        address = addresses.parse(webhook.url)
    except AddressRefused:  # empty, where no key of ENCRYPTION_KEYS decrypts it
        return DeliveryResult(None, "Its URL cannot be read: make the webhook anew.")
    signed = messages.signature_headers(str(delivery.uid), timestamp, body, webhook.secrets())
    headers = {"Content-Type": "application/json", **signed}
    try:
        with (
            Deadline(TIMEOUT_S) as deadline,
            fetch.post(address, ReceiverPolicy(), deadline, body, headers) as response,
        ):
            return _answer(response.status)
    except InputError as error:
        return DeliveryResult(None, _ERRORS.get(error.code, error.message))


def _answer(status: int) -> DeliveryResult:
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return DeliveryResult(status)
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return DeliveryResult(status, f"It redirects ({status}), which is not followed.")
    return DeliveryResult(status, f"It answers {status}.", is_final=status == HTTPStatus.GONE)

"""Webhooks that this server sends: where to, for what, and each delivery with its attempts."""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone

from .fields import EncryptedTextField


class Topic(models.TextChoices):
    """What people are notified of."""

    RUN_FAILED = "run_failed", "a run failed"
    VERSION_PROMOTED = "version_promoted", "a version serves that did not"
    FELL_BACK = "fell_back", "the champion did not load"
    METRIC_DROPPED = "metric_dropped", "a metric dropped"
    CONNECTION_LOST = "connection_lost", "the connection to Label Studio is lost"
    WORKER_SILENT = "worker_silent", "a worker is silent"
    TEST = "test", "a test"


# What a webhook can be made for; a test is sent to any.
TOPIC_CHOICES = [(topic.value, topic.label) for topic in Topic if topic is not Topic.TEST]


class WebhookFormat(models.TextChoices):
    """What the body of a delivery is."""

    JSON = "json", "JSON"
    SLACK = "slack", "Slack"
    TEAMS = "teams", "Microsoft Teams"


class Webhook(models.Model):
    """A URL to which notifications of some topics are sent, of one project or of all.

    Its URL and secret are encrypted, and not shown again: the URLs of Slack and Teams are secrets
    themselves. The previous secret signs, too, until `previous_until`.
    """

    name = models.CharField(max_length=100)
    url = EncryptedTextField()
    host = models.CharField(max_length=300, help_text="The host of its URL.")
    format = models.CharField(
        max_length=8, choices=WebhookFormat.choices, default=WebhookFormat.JSON
    )
    topics = ArrayField(models.CharField(max_length=32, choices=TOPIC_CHOICES))
    project = models.ForeignKey(
        "Project",
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="webhooks",
        help_text="Of this project only, and of what is of no project. Empty: of every project.",
    )
    secret = EncryptedTextField()
    previous_secret = EncryptedTextField(blank=True)
    previous_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    disabled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        permissions = [
            ("manage_webhook", "Can disable, enable and test a webhook, and replace its secret")
        ]

    def __str__(self) -> str:
        return self.name

    def secrets(self) -> list[str]:
        """Those that sign now, the newest first."""
        previous = self.previous_until is not None and self.previous_until > timezone.now()
        return [self.secret, *([self.previous_secret] if previous else [])]


class DeliveryState(models.TextChoices):
    """pending -> delivered or failed."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed", "given up"


class WebhookDelivery(models.Model):
    """A message for a webhook, written in the transaction of the change that it is about.

    `uid` is the same in each of its attempts, so that a receiver knows a repeated one.
    """

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="deliveries")
    topic = models.CharField(max_length=32, choices=Topic.choices)
    project = models.ForeignKey(
        "Project", null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    message = models.JSONField(default=dict)
    state = models.CharField(
        max_length=10, choices=DeliveryState.choices, default=DeliveryState.PENDING
    )
    attempts = models.JSONField(
        default=list, blank=True, help_text="[{at, status, error, seconds}]"
    )
    attempted = models.IntegerField(default=0, help_text="Attempts that were begun.")
    due_at = models.DateTimeField(help_text="When it is attempted next, if it is pending.")
    created_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "webhook deliveries"
        indexes = [
            models.Index(fields=["due_at"], condition=Q(state="pending"), name="delivery_due"),
            models.Index(fields=["webhook", "-id"], name="delivery_of_webhook"),
            models.Index(fields=["created_at"], name="delivery_created"),
        ]

    def __str__(self) -> str:
        return f"{self.topic} {self.uid}"

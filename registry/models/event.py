"""Events: requests of Label Studio with their outcome, and the ids that they deleted."""

from django.db import models
from django.db.models import Q


class EventStatus(models.TextChoices):
    """The state of an event; `received` ones wait for processing."""

    RECEIVED = "received"
    APPLIED = "applied"
    QUEUED_RUN = "queued_run", "queued a run"
    IGNORED = "ignored"
    STALE = "stale"
    FAILED = "failed"


class Event(models.Model):
    """A request, stored without its secrets before it is answered; its outcome is added later."""

    class Source(models.TextChoices):
        SETUP = "setup", "POST /setup"
        WEBHOOK = "webhook"
        TRAIN = "train", "POST /train"
        PREDICT = "predict", "tasks without a prediction"
        REFUSED = "refused", "refused request"

    project = models.ForeignKey(
        "Project", null=True, on_delete=models.CASCADE, related_name="events"
    )
    source = models.CharField(max_length=8, choices=Source.choices, default=Source.WEBHOOK)
    action = models.CharField(max_length=64)
    payload = models.JSONField(default=dict)
    status = models.CharField(
        max_length=12, choices=EventStatus.choices, default=EventStatus.RECEIVED
    )
    outcome = models.TextField(
        blank=True, help_text="The result of processing it, in one sentence."
    )
    run = models.ForeignKey("TrainingRun", null=True, blank=True, on_delete=models.SET_NULL)
    request_id = models.CharField(max_length=64, blank=True)
    received_at = models.DateTimeField(auto_now_add=True)
    processed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(
                fields=["project", "id"], condition=Q(status="received"), name="event_to_process"
            ),
            models.Index(fields=["project", "-id"], name="event_of_project"),
            models.Index(
                fields=["received_at"], condition=Q(source="predict"), name="event_to_purge"
            ),
            models.Index(
                fields=["received_at"], condition=Q(source="refused"), name="event_refused"
            ),
            models.Index(fields=["received_at"], include=["project"], name="event_received"),
            models.Index(fields=["status", "-id"], name="event_by_status"),
            models.Index(fields=["action", "-id"], name="event_by_action"),
            models.Index(fields=["request_id"], name="event_of_request"),
        ]

    def __str__(self) -> str:
        return f"{self.action} ({self.status})"


class Tombstone(models.Model):
    """A deleted id of Label Studio; later events about what was created before are stale.

    Also for ids that were never mirrored. Label Studio reuses ids, so `deleted_at` decides: what
    was created after it is another task or annotation.
    """

    class Kind(models.TextChoices):
        TASK = "task"
        ANNOTATION = "annotation"

    project = models.ForeignKey(
        "Project", on_delete=models.CASCADE, related_name="+", db_index=False
    )
    kind = models.CharField(max_length=10, choices=Kind.choices)
    labelstudio_id = models.BigIntegerField()
    deleted_at = models.DateTimeField(
        help_text="When the last event with this deletion was received."
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "kind", "labelstudio_id"], name="tombstone_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.labelstudio_id} of {self.project_id}"

"""Events: requests of Label Studio with their outcome, and the ids that they deleted."""

from django.db import models
from django.db.models import Q


class EventStatus(models.TextChoices):
    """The state of an event; only `received` ones are still to be applied."""

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
        PREDICT = "predict", "tasks that could not be predicted"

    project = models.ForeignKey(
        "Project", null=True, on_delete=models.CASCADE, related_name="events"
    )
    source = models.CharField(max_length=8, choices=Source.choices, default=Source.WEBHOOK)
    action = models.CharField(max_length=64)
    payload = models.JSONField(default=dict)
    status = models.CharField(
        max_length=12, choices=EventStatus.choices, default=EventStatus.RECEIVED
    )
    outcome = models.TextField(blank=True, help_text="One sentence: what became of it.")
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
            models.Index(fields=["received_at"], include=["project"], name="event_received"),
            models.Index(fields=["status", "-id"], name="event_by_status"),
            models.Index(fields=["action", "-id"], name="event_by_action"),
            models.Index(fields=["request_id"], name="event_of_request"),
        ]

    def __str__(self) -> str:
        return f"{self.action} ({self.status})"


class Tombstone(models.Model):
    """A deleted id: an event that comes later, of what was made before the deletion, is stale.

    Also of ids that were never mirrored. Ids are used again, so the time decides, and a row is
    never in the way of a thing that is made later. Kept as long as the event that said it.
    """

    class Kind(models.TextChoices):
        TASK = "task"
        ANNOTATION = "annotation"

    project = models.ForeignKey(
        "Project", on_delete=models.CASCADE, related_name="+", db_index=False
    )
    kind = models.CharField(max_length=10, choices=Kind.choices)
    labelstudio_id = models.BigIntegerField()
    deleted_at = models.DateTimeField(help_text="When the last event that said so was received.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "kind", "labelstudio_id"], name="tombstone_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.labelstudio_id} of {self.project_id}"

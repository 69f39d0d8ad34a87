"""Events: requests of Label Studio, and their outcome."""

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

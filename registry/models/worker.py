"""Heartbeats of worker processes."""

from datetime import timedelta

from django.db import models
from django.utils import timezone

# Six heartbeats: a late one, or a database that is away for a minute, is no absence.
LIVE_WITHIN = timedelta(seconds=90)


class WorkerQuerySet(models.QuerySet["Worker"]):
    """Workers by their last heartbeat."""

    def live(self) -> "WorkerQuerySet":
        """The workers with a recent heartbeat, on any machine."""
        return self.filter(heartbeat_at__gte=timezone.now() - LIVE_WITHIN)


class Worker(models.Model):
    """The last heartbeat of a django-q cluster on a machine; read by `/ready` and the admin."""

    cluster = models.CharField(max_length=32)
    hostname = models.CharField(max_length=255)
    heartbeat_at = models.DateTimeField()
    silent_at = models.DateTimeField(
        null=True, blank=True, help_text="When its silence was noticed; null: it is seen."
    )

    objects = WorkerQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["cluster", "hostname"], name="worker_once"),
        ]

    def __str__(self) -> str:
        return f"{self.cluster}@{self.hostname}"

"""Heartbeats of worker processes."""

from django.db import models


class Worker(models.Model):
    """The last heartbeat of a django-q cluster on a machine; read by `/ready` and the admin."""

    cluster = models.CharField(max_length=32)
    hostname = models.CharField(max_length=255)
    seen_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["cluster", "hostname"], name="worker_once"),
        ]

    def __str__(self) -> str:
        return f"{self.cluster}@{self.hostname}"

"""A worker process that was seen lately."""

from django.db import models


class Worker(models.Model):
    """One row per django-q cluster and machine; `/ready` and the admin's home read `seen_at`."""

    cluster = models.CharField(max_length=32)
    hostname = models.CharField(max_length=255)
    seen_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["cluster", "hostname"], name="worker_once"),
        ]

    def __str__(self) -> str:
        return f"{self.cluster}@{self.hostname}"

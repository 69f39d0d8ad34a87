"""Exemplars: tasks that are typical of a label, such as the most central ones of a cluster."""

from django.db import models


class Exemplar(models.Model):
    """One of the tasks to which a version gives a label with the highest scores.

    Stored where labels are not learned from humans: images of a cluster, and those nearest to
    the references.
    """

    version = models.ForeignKey(
        "ModelVersion", on_delete=models.CASCADE, related_name="exemplars", db_index=False
    )
    task = models.ForeignKey("Task", on_delete=models.CASCADE, related_name="+")
    target = models.CharField(max_length=255)
    label = models.CharField(max_length=500)
    score = models.FloatField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["version", "target", "label", "task"], name="exemplar_once"
            ),
        ]
        indexes = [
            models.Index(
                fields=["version", "target", "label", "-score"], name="exemplar_best_first"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.label}: {self.task_id}"

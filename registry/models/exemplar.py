"""A task that shows what a version means by a label: one of a cluster's most central, say."""

from django.db import models


class Exemplar(models.Model):
    """The few tasks that a version would give a label with the highest scores.

    Kept where labels are not learned from humans: the pictures of a cluster, and those nearest
    to references.
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

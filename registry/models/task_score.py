"""The champion's scores of unlabelled tasks."""

from django.db import models
from django.db.models import Q


class TaskScore(models.Model):
    """The score of a version's prediction for an unlabelled task.

    Only the champion has scores: a new champion's replace those of the one before.
    """

    version = models.ForeignKey(
        "ModelVersion", on_delete=models.CASCADE, related_name="task_scores", db_index=False
    )
    task = models.ForeignKey("Task", on_delete=models.CASCADE, related_name="scores")
    score = models.FloatField(null=True, help_text="Null: it cannot be predicted.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["version", "task"], name="task_score_once"),
        ]
        indexes = [
            models.Index(
                fields=["version", "score", "task"],
                condition=Q(score__isnull=False),
                name="task_score_least_sure",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.version_id} of {self.task_id}: {self.score}"

"""How sure the champion is of a task that nobody has labelled."""

from django.db import models
from django.db.models import Q


class TaskScore(models.Model):
    """The score that a version's prediction has for an unlabelled task.

    Kept for champions only: where another version takes over, its scores take their place.
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

"""Outcomes: a version's prediction for a task beside the human's label."""

from django.db import models
from django.db.models import Q


class Outcome(models.Model):
    """A prediction and the human's label; confusion, mistakes and comparisons query these rows.

    `predicted` and `human` are a label for `single` and a sorted list for `multiple`.
    """

    class Source(models.TextChoices):
        HOLDOUT = "holdout", "judged on the holdout"
        PREQUENTIAL = "prequential", "asked before it saw the human's label"
        SHOWN = "shown", "accepted or corrected: the human saw a pre-annotation"

    version = models.ForeignKey("ModelVersion", on_delete=models.CASCADE, related_name="outcomes")
    task = models.ForeignKey("Task", on_delete=models.CASCADE, related_name="outcomes")
    target = models.CharField(max_length=255)
    source = models.CharField(max_length=12, choices=Source.choices)
    predicted = models.JSONField(null=True)
    score = models.FloatField(null=True)
    human = models.JSONField()
    correct = models.BooleanField()
    at = models.DateTimeField(help_text="When it was judged, or when the human answered.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["version", "task", "target", "source"], name="outcome_once"
            ),
        ]
        indexes = [
            models.Index(
                fields=["version", "target", "source", "correct"], name="outcome_of_version"
            ),
            models.Index(
                fields=["version", "at"],
                include=["correct"],
                condition=Q(source="prequential"),
                name="outcome_prequential_of",
            ),
            models.Index(
                fields=["at"],
                include=["version", "correct"],
                condition=Q(source="prequential"),
                name="outcome_prequential_at",
            ),
            models.Index(fields=["source", "-id"], name="outcome_by_source"),
        ]

    def __str__(self) -> str:
        return f"{self.target}: {self.predicted!r} / {self.human!r}"

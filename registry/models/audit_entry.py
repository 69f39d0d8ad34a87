"""Audit entries: actor, verb, versions before and after, reason, numbers."""

from django.db import models
from django.db.models import Q

# The verbs that move the champion; the partial index `audit_moves_champion` covers exactly these.
CHAMPION_MOVES = ("promote", "roll_back", "fall_back")


class AuditEntry(models.Model):
    """An append-only audit entry, written in the transaction of the change that it records."""

    project = models.ForeignKey(
        "Project", null=True, on_delete=models.PROTECT, related_name="audit_entries"
    )
    verb = models.CharField(max_length=32)
    actor = models.CharField(max_length=150, help_text="A user, `policy`, `worker`, `serving`, ...")
    reason = models.TextField(blank=True)
    version = models.ForeignKey(
        "ModelVersion",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="audit_entries",
    )
    from_version = models.ForeignKey(
        "ModelVersion", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    to_version = models.ForeignKey(
        "ModelVersion", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    run = models.ForeignKey("TrainingRun", null=True, blank=True, on_delete=models.PROTECT)
    numbers = models.JSONField(default=dict, blank=True)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "audit entries"
        indexes = [
            models.Index(fields=["project", "verb", "at"], name="audit_of_project"),
            models.Index(
                fields=["project", "-id"],
                condition=Q(verb__in=list(CHAMPION_MOVES)),
                name="audit_moves_champion",
            ),
            models.Index(fields=["project", "-id"], name="audit_newest_of_project"),
            models.Index(fields=["verb", "-id"], name="audit_by_verb"),
            models.Index(fields=["actor", "-id"], name="audit_by_actor"),
        ]

    def __str__(self) -> str:
        return f"{self.verb} by {self.actor}"

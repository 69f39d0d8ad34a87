"""Which tasks and annotations Label Studio has said to be deleted."""

from django.db import models


class Tombstone(models.Model):
    """A deleted id: an event that comes later, of what was made before the deletion, is stale.

    Also of ids that were never mirrored. Ids are used again, so the time decides, and a row is
    never in the way of a thing that is made later. Kept as long as the event that said it.
    """

    class Kind(models.TextChoices):
        TASK = "task"
        ANNOTATION = "annotation"

    project = models.ForeignKey(
        "Project", on_delete=models.CASCADE, related_name="+", db_index=False
    )
    kind = models.CharField(max_length=10, choices=Kind.choices)
    labelstudio_id = models.BigIntegerField()
    deleted_at = models.DateTimeField(help_text="When the last event that said so was received.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "kind", "labelstudio_id"], name="tombstone_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.labelstudio_id} of {self.project_id}"

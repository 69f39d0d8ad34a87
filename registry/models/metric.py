"""Metrics of versions."""

from django.db import models
from django.db.models import Q

from registry.metrics import AT_K


class MetricQuerySet(models.QuerySet["Metric"]):
    """Metrics by what they are of."""

    def whole(self) -> "MetricQuerySet":
        """Those on the holdout of a whole version or target: of no class, no points of a curve."""
        return self.filter(Q(step=0) | Q(name__in=AT_K), split="holdout", label="")


class Metric(models.Model):
    """The value of a metric of a version on a split; an empty `target` means the whole version.

    `label` is the class for per-class values, `step` the x of a curve (training
    examples for the learning curve) or the k of precision at k, `n` the number of examples
    behind the value.
    """

    version = models.ForeignKey("ModelVersion", on_delete=models.CASCADE, related_name="metrics")
    target = models.CharField(max_length=255, blank=True)
    name = models.CharField(max_length=64)
    split = models.CharField(max_length=16, default="holdout")
    label = models.CharField(max_length=500, blank=True)
    step = models.IntegerField(default=0)
    value = models.FloatField(null=True, help_text="Null: undefined on this data.")
    n = models.IntegerField(default=0)

    objects = MetricQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["version", "target", "name", "split", "label", "step"], name="metric_once"
            ),
        ]
        indexes = [models.Index(fields=["version", "name"], name="metric_version_name")]

    def __str__(self) -> str:
        return f"{self.name} = {self.value}"

    @property
    def is_whole(self) -> bool:
        """Whether `objects.whole()` has it."""
        at_k = self.name in AT_K
        return self.split == "holdout" and self.label == "" and (self.step == 0 or at_k)

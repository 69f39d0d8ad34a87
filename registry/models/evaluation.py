"""The evaluation of a version: metrics, outcomes and exemplars."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from registry.metrics import AT_K, is_whole


class MetricQuerySet(models.QuerySet["Metric"]):
    """Metrics of versions and targets."""

    def whole(self) -> "MetricQuerySet":
        """Those that `registry.metrics.is_whole` says are, as a query."""
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
        """Whether `objects.whole()` includes it."""
        return is_whole(self.name, self.split, self.label, self.step)


class Outcome(models.Model):
    """A prediction and the human's label; confusion, mistakes and comparisons query these rows.

    `predicted` and `human` are what the target's label type makes of them. Queries know their
    classes only, and whether the label type counts the prediction as correct.
    """

    class Source(models.TextChoices):
        HOLDOUT = "holdout", "evaluated on the holdout"
        OUT_OF_FOLD = "out_of_fold", "predicted out of fold"
        PREQUENTIAL = "prequential", "predicted before the human label"
        SHOWN = "shown", "pre-annotation, accepted or corrected"

    version = models.ForeignKey("ModelVersion", on_delete=models.CASCADE, related_name="outcomes")
    task = models.ForeignKey("Task", on_delete=models.CASCADE, related_name="outcomes")
    target = models.CharField(max_length=255)
    source = models.CharField(max_length=12, choices=Source.choices)
    predicted = models.JSONField(null=True)
    score = models.FloatField(null=True)
    human = models.JSONField()
    human_classes = ArrayField(
        models.TextField(), default=list, help_text="The classes in the human label."
    )
    predicted_classes = ArrayField(
        models.TextField(),
        null=True,
        help_text="The classes in the prediction; null: there was none.",
    )
    correct = models.BooleanField()
    at = models.DateTimeField(help_text="When it was evaluated, or when the human label arrived.")

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


class Exemplar(models.Model):
    """One of the tasks with the highest scores for a label of a version.

    Stored for versions whose labels are not learned from humans: images of a cluster, and those
    nearest to the references.
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

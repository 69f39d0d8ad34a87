"""Model versions and their targets."""

from datetime import datetime

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q

from registry.verified import ARTIFACT_FORMAT

TAG_MAX = 50  # characters
FEW = 30  # holdout tasks: with fewer a metric is marked


class VersionState(models.TextChoices):
    CHAMPION = "champion", "champion"
    AVAILABLE = "available", "available"
    ARCHIVED = "archived", "archived"
    LOAD_FAILED = "load_failed", "load failed"


class ModelVersion(models.Model):
    """An immutable, numbered model of a project. No action deletes one."""

    project = models.ForeignKey("Project", on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    label = models.CharField(
        max_length=32,
        db_index=True,
        help_text="`v7-3fa2c1`: the number and six hex digits of the artifact's SHA-256.",
    )
    run = models.OneToOneField(
        "TrainingRun", on_delete=models.PROTECT, related_name="version", null=True
    )
    pipeline = models.CharField(max_length=255, help_text="Those of its targets, with commas.")
    recipe = models.CharField(max_length=64, help_text="The algorithm that was selected.")
    fingerprint = models.CharField(
        max_length=64, help_text="SHA-256 of the targets and labels of its label config."
    )
    artifact = models.CharField(max_length=255, help_text="Key in the artifact store.")
    artifact_bytes = models.BigIntegerField()
    artifact_sha256 = models.CharField(max_length=64)
    artifact_format = models.PositiveSmallIntegerField(
        default=ARTIFACT_FORMAT,
        help_text="Format of the file; format 1 is converted before it is loaded.",
    )
    environment = models.JSONField(default=dict, help_text="Versions of Python and the packages.")
    extractor = models.CharField(
        max_length=255,
        blank=True,
        help_text="The extractor of its images' features, with version and weights.",
    )
    primary_metric = models.CharField(
        max_length=64,
        default="macro_f1",
        help_text="The metric whose mean over targets is `primary`.",
    )
    primary_value = models.FloatField(
        null=True, help_text="The metric `primary` on the holdout; null: not evaluated."
    )
    primary_n = models.IntegerField(default=0, help_text="Holdout tasks behind the primary value.")
    primary_low = models.FloatField(
        null=True, help_text="The lower end of its 95 % interval; null: none is known."
    )
    primary_high = models.FloatField(null=True, help_text="The upper end of that interval.")
    primary_baseline = models.FloatField(
        null=True, help_text="The baseline of the primary value; null: none is known."
    )
    note = models.TextField(blank=True)
    tags = ArrayField(
        models.CharField(max_length=TAG_MAX),
        default=list,
        blank=True,
        help_text="Words by which people find it, sorted.",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    archived_at = models.DateTimeField(null=True, blank=True)
    load_failed_at = models.DateTimeField(null=True, blank=True)
    load_error = models.TextField(blank=True)

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(
                fields=["project", "number"], name="version_number_per_project"
            ),
        ]
        indexes = [
            models.Index(fields=["project", "-id"], name="version_of_project"),
            GinIndex(fields=["tags"], name="version_tags"),
            models.Index(
                fields=["-id"], condition=Q(archived_at__isnull=False), name="version_archived"
            ),
            models.Index(
                fields=["-id"], condition=Q(load_failed_at__isnull=False), name="version_unloadable"
            ),
        ]
        permissions = [
            ("promote_modelversion", "Can promote a version, and let one serve that did not load"),
            ("archive_modelversion", "Can archive a version, and take it out again"),
            ("note_modelversion", "Can write a version's note and tags"),
        ]

    def __str__(self) -> str:
        return self.label

    @property
    def learned_at(self) -> datetime:
        """When its dataset was frozen: it knows the labels as they were called then."""
        snapshot_at = self.run.snapshot_at if self.run else None
        return snapshot_at or self.created_at

    @property
    def primary_interval(self) -> tuple[float, float] | None:
        """The 95 % interval of the primary value; None where none is known."""
        if self.primary_low is None or self.primary_high is None:
            return None
        return self.primary_low, self.primary_high

    @property
    def has_few_tasks(self) -> bool:
        """Whether its holdout is too small for its primary value to be relied on."""
        return self.primary_value is not None and self.primary_n < FEW

    @property
    def state(self) -> VersionState:
        """The first of champion, load_failed and archived that holds, else available."""
        if self.project.champion_id == self.pk:
            return VersionState.CHAMPION
        if self.load_failed_at:
            return VersionState.LOAD_FAILED
        return VersionState.ARCHIVED if self.archived_at else VersionState.AVAILABLE


class ConvertedArtifact(models.Model):
    """The file that a version of an older format is loaded from.

    A separate file and row, because a version is immutable: its label contains the beginning of
    its original file's hash, and people have recorded, downloaded and cited that file. A trigger
    refuses changes.
    """

    version = models.OneToOneField(
        ModelVersion, on_delete=models.CASCADE, related_name="converted_artifact"
    )
    artifact = models.CharField(max_length=255, help_text="Key in the artifact store.")
    bytes = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)
    artifact_format = models.PositiveSmallIntegerField(default=ARTIFACT_FORMAT)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.artifact


class Target(models.Model):
    """A control tag that a version fills: its pipeline, field, kind and labels."""

    version = models.ForeignKey(ModelVersion, on_delete=models.CASCADE, related_name="targets")
    name = models.CharField(max_length=255, help_text="The control tag's name (from_name).")
    object_name = models.CharField(max_length=255, help_text="The object tag's name (to_name).")
    object_tag = models.CharField(max_length=64, help_text="Text, HyperText, Paragraphs, ...")
    field = models.CharField(max_length=255, help_text="The key of the task's data.")
    kind = models.CharField(max_length=32, help_text="The label type of its values.")
    pipeline = models.CharField(max_length=64, help_text="The name of what fills it.")
    labels = models.JSONField(
        default=list, help_text="The labels it learned, in the estimator's order."
    )
    trained = models.BooleanField(default=True)
    untrained_reason = models.TextField(blank=True)
    decision = models.TextField(
        blank=True,
        help_text="How one of the labels is predicted where it is not the likeliest.",
    )

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["version", "name"], name="target_name_per_version"),
        ]

    def __str__(self) -> str:
        return self.name

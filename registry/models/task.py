"""The mirror of a project's tasks, the features of their images and the champion's scores."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q


class Split(models.TextChoices):
    """The split of a task, assigned with its first usable label and never changed."""

    TRAIN = "train"
    HOLDOUT = "holdout"


class Task(models.Model):
    """The mirror of a task of Label Studio.

    `annotations` is a list of `{"id", "result", "was_cancelled", "ground_truth",
    "completed_by", "created_at", "updated_at", "parent_prediction"}`; `labels` are
    the usable labels under today's label config, by control, without the controls that have none:
    each is what the control's label type makes of it. `classes` are what queries know of them
    (`registry.classes`). The row of a deleted task stays, without its content, because outcomes
    refer to it and Label Studio may reuse its id for another task.
    """

    project = models.ForeignKey("Project", on_delete=models.CASCADE, related_name="tasks")
    labelstudio_id = models.BigIntegerField()
    data = models.JSONField(default=dict)
    annotations = models.JSONField(default=list)
    annotation_ids = ArrayField(models.BigIntegerField(), default=list)
    total_annotations = models.IntegerField(
        default=0, help_text="As Label Studio last counted them, cancelled ones included."
    )

    labels = models.JSONField(default=dict)
    classes = ArrayField(
        models.TextField(),
        default=list,
        blank=True,
        help_text="The classes of its labels: control=label.",
    )
    ties = ArrayField(models.CharField(max_length=255), default=list, blank=True)
    labels_changed_at = models.DateTimeField(null=True, blank=True)
    input_key = models.CharField(
        max_length=64, blank=True, help_text="SHA-256 of the project uid and the canonical input."
    )
    split = models.CharField(  # noqa: DJ001 - null: not assigned yet
        max_length=8, choices=Split.choices, null=True, blank=True
    )
    labelled_controls = ArrayField(
        models.CharField(max_length=255),
        default=list,
        blank=True,
        help_text="Controls that have had a human label: the first gives one prequential outcome.",
    )

    source_updated_at = models.DateTimeField(null=True, blank=True)
    event_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="When an event last changed it; null once it was read from Label Studio since.",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "labelstudio_id"],
                condition=Q(deleted_at__isnull=True),
                name="task_unique_while_it_exists",
            ),
            models.CheckConstraint(
                condition=Q(labels={}) | Q(split__isnull=False) | Q(deleted_at__isnull=False),
                name="task_with_a_label_has_a_split",
            ),
        ]
        indexes = [
            models.Index(fields=["project", "input_key"], name="task_input"),
            models.Index(
                fields=["project", "labels_changed_at"],
                condition=Q(labels_changed_at__isnull=False),
                name="task_changed",
            ),
            models.Index(
                fields=["project", "split"], condition=Q(split__isnull=False), name="task_split"
            ),
            models.Index(
                fields=["project", "id"],
                condition=Q(annotation_ids=[], deleted_at__isnull=True),
                name="task_unlabelled",
            ),
            models.Index(fields=["project", "created_at"], name="task_created"),
            models.Index(fields=["project", "-id"], name="task_of_project"),
            models.Index(fields=["labelstudio_id"], name="task_labelstudio_id"),
            models.Index(
                fields=["-id"], condition=Q(deleted_at__isnull=False), name="task_deleted"
            ),
            GinIndex(fields=["annotation_ids"], name="task_annotation_ids"),
            GinIndex(fields=["classes"], name="task_classes"),
        ]

    def __str__(self) -> str:
        return f"task {self.labelstudio_id} of {self.project_id}"


class TaskScore(models.Model):
    """The score of a version's prediction for an unlabelled task.

    Only the champion has scores: a new champion's replace those of the one before.
    """

    version = models.ForeignKey(
        "ModelVersion", on_delete=models.CASCADE, related_name="task_scores", db_index=False
    )
    task = models.ForeignKey("Task", on_delete=models.CASCADE, related_name="scores")
    score = models.FloatField(null=True, help_text="Null: without a prediction.")
    margin = models.FloatField(
        null=True, help_text="The least margin of its targets' predictions, 0 to 1."
    )
    place = models.FloatField(
        null=True,
        help_text="What orders the tasks to label next, lowest first: the margin, or that of "
        "another task where this one was drawn at random.",
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["version", "task"], name="task_score_once"),
        ]
        indexes = [
            models.Index(
                fields=["version", "place", "task"],
                condition=Q(place__isnull=False),
                name="task_score_first",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.version_id} of {self.task_id}: {self.score}"


class PickedTask(models.Model):
    """A task that was put into its project's tab in Label Studio, because of its place or not."""

    task = models.OneToOneField("Task", on_delete=models.CASCADE, related_name="picked")
    at_random = models.BooleanField(help_text="Drawn at random, whatever its margin.")
    picked_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"task {self.task_id}"


class Feature(models.Model):
    """A vector of float32, stored so that an image is embedded once.

    `extractor` names the extractor with its version and weights. `address` is the SHA-256 of the
    address in the task's data, `content` that of the image's file: equal files have equal
    features, whatever their addresses.
    """

    project = models.ForeignKey(
        "Project", on_delete=models.CASCADE, related_name="+", db_index=False
    )
    task = models.ForeignKey("Task", on_delete=models.CASCADE, related_name="features")
    extractor = models.CharField(max_length=255)
    address = models.CharField(max_length=64)
    content = models.CharField(max_length=64)
    vector = models.BinaryField(help_text="float32, little-endian.")
    extracted_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "extractor", "address", "task"], name="feature_once"
            ),
        ]
        indexes = [
            models.Index(fields=["project", "extractor", "content"], name="feature_of_content"),
            models.Index(fields=["project", "extractor", "id"], name="feature_of_project"),
        ]

    def __str__(self) -> str:
        return f"{self.extractor} of {self.task_id}"

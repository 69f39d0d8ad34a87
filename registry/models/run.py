"""Training runs: trigger, dataset, candidates, progress and end."""

from django.db import models
from django.db.models import Q


class RunState(models.TextChoices):
    """queued -> running -> succeeded, failed or cancelled; changed by conditional UPDATE only."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


ACTIVE_STATES = [RunState.QUEUED, RunState.RUNNING]


class RunKind(models.TextChoices):
    """A training makes the project's next version; a challenger tries to beat it afterwards."""

    TRAINING = "training"
    CHALLENGER = "challenger"


# Of an input's counts in `dataset_counts`: how much of it the run left to the next one.
LEFT = "left"
ACTIVE_TRAINING = Q(kind=RunKind.TRAINING, state__in=ACTIVE_STATES)


class TrainingRun(models.Model):
    """An attempt to train a version. Its row decides; the job of the queue only wakes a worker."""

    class Trigger(models.TextChoices):
        START_TRAINING = "start_training", "Start Training in Label Studio"
        POLICY = "policy", "training policy"
        CONFIG = "config", "label config changed"
        TRAIN_ROUTE = "train_route", "POST /train"
        ADMIN = "admin", "admin"
        COMMAND = "command", "manage.py train"
        API = "api", "REST"
        RETRY = "retry", "retry"
        FORMAT = "format", "old artifact format"
        CHALLENGER = "challenger", "challenger of a new version"
        PRETRAINED = "pretrained", "model that predicts untrained"

    project = models.ForeignKey("Project", on_delete=models.CASCADE, related_name="runs")
    kind = models.CharField(max_length=12, choices=RunKind.choices, default=RunKind.TRAINING)
    state = models.CharField(max_length=12, choices=RunState.choices, default=RunState.QUEUED)
    trigger = models.CharField(max_length=16, choices=Trigger.choices)
    actor = models.CharField(max_length=150, blank=True)
    retry_of = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL)
    parameters = models.JSONField(default=dict, help_text="Seed, time budget and pipeline options.")

    # The dataset.
    dataset_fingerprint = models.CharField(max_length=64, blank=True)
    dataset_counts = models.JSONField(default=dict, blank=True)
    dataset_file = models.CharField(
        max_length=255, blank=True, help_text="Key of the manifest in the artifact store."
    )
    snapshot_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="When the labels were read; later changes count for the next run.",
    )

    # The training.
    candidates = models.JSONField(default=list, blank=True)
    statements = models.JSONField(
        default=list, blank=True, help_text="EvaDB statements as executed, with seconds and rows."
    )
    phases = models.JSONField(default=list, blank=True, help_text="[{name, started_at, seconds}]")
    phase = models.CharField(max_length=64, blank=True)
    progress = models.FloatField(default=0, help_text="0 to 1")
    log = models.TextField(blank=True)
    comparison = models.JSONField(
        default=dict, blank=True, help_text="Candidate and champion on the same tasks."
    )

    same_as = models.ForeignKey(
        "ModelVersion",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="The champion whose content it has found again; it made no version.",
    )

    follow_up = models.JSONField(
        null=True,
        blank=True,
        help_text="{trigger, actor, reason} of a start that this run has too old labels for: "
        "the next run is queued when this one ends.",
    )

    # The worker, and the end.
    worker = models.CharField(max_length=255, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    cancel_requested = models.BooleanField(default=False)
    error_code = models.CharField(max_length=64, blank=True)
    error = models.TextField(blank=True)
    hint = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["project", "kind"],
                condition=Q(state__in=ACTIVE_STATES),
                name="run_one_active_per_kind",
            ),
        ]
        indexes = [
            models.Index(fields=["state", "heartbeat_at"], name="run_state_heartbeat"),
            models.Index(fields=["project", "-id"], name="run_of_project"),
            models.Index(fields=["state", "-id"], name="run_by_state"),
            models.Index(fields=["trigger", "-id"], name="run_by_trigger"),
            models.Index(fields=["kind", "-id"], name="run_by_kind"),
            models.Index(fields=["error_code", "-id"], name="run_by_error"),
            models.Index(
                fields=["kind", "state"],
                include=["id", "started_at", "ended_at"],
                name="run_seconds",
            ),
        ]

    def __str__(self) -> str:
        return f"run {self.pk} ({self.state})"

    @property
    def is_active(self) -> bool:
        return self.state in ACTIVE_STATES

    @property
    def left(self) -> dict[str, int]:
        """How much of its inputs it left to the next run, by their names in `dataset_counts`."""
        counts = {name: of for name, of in self.dataset_counts.items() if isinstance(of, dict)}
        return {name: of[LEFT] for name, of in counts.items() if isinstance(of.get(LEFT), int)}

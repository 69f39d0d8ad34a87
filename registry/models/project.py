"""Projects: label config, connection, policy, options and champion; and the keys to them."""

from typing import Any
from urllib.parse import urlsplit

from django.contrib.postgres.fields import ArrayField
from django.db import models

from .fields import EncryptedTextField

# What a connection check says of a project that was deleted, or whose number another one has.
_GONE = frozenset({"labelstudio_not_found", "labelstudio_project_mismatch"})


def default_policy() -> dict:
    """The default training policy. Counts are tasks with usable labels, times are seconds."""
    return {
        "enabled": True,
        "first_labels": 20,
        "first_classes": 2,
        "first_per_class": 3,
        "changed_min": 10,
        "changed_share": 0.05,
        "quiet_s": 5,
        "wait_max_s": 120,
    }


class PromotionRule(models.TextChoices):
    """When a new version becomes champion without a human."""

    IF_AT_LEAST_AS_GOOD = "if_at_least_as_good", "if at least as good as the champion"
    IF_CLEARLY_BETTER = "if_clearly_better", "if clearly better than the champion"
    ALWAYS = "always", "always"
    NEVER = "never", "never (by hand only)"


class Project(models.Model):
    """A Label Studio project, identified by its uid `<id>.<created>`; hostname is an attribute."""

    uid = models.CharField(max_length=64, unique=True)
    title = models.CharField(max_length=500, blank=True)

    # From Label Studio.
    label_config = models.TextField(blank=True)
    fingerprint = models.CharField(
        max_length=64, blank=True, help_text="SHA-256 of the targets and labels of the config."
    )
    pipeline = models.CharField(
        max_length=255,
        blank=True,
        help_text="Those of its targets, with commas. Empty: no pipeline serves the label config.",
    )
    unserved_reason = models.TextField(blank=True)
    control_since = models.JSONField(
        default=dict,
        blank=True,
        help_text="When controls were added to the label config: earlier annotations have no "
        "labels for them.",
    )
    label_changes = models.JSONField(
        default=dict,
        blank=True,
        help_text="By control the labels that the label config took away and brought, with times.",
    )
    label_renames = models.JSONField(
        default=list,
        blank=True,
        help_text="The confirmed renames of labels, in order: control, old, new, at, until.",
    )
    relabel_queued_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="When a rename asked for all labels to be derived anew; null: it is done.",
    )
    extra_params = models.JSONField(null=True, blank=True)
    hostname = models.CharField(
        max_length=500, blank=True, help_text="Host of Label Studio, of the first setup."
    )
    other_hostname = models.CharField(
        max_length=500, blank=True, help_text="Another host that later sent a setup."
    )
    hostname_confirmed = models.BooleanField(
        default=False, help_text="An operator allowed that the token is sent to this host."
    )
    backend_url = models.CharField(
        max_length=500, blank=True, help_text="Our URL in Label Studio, without the access key."
    )
    setup_token = EncryptedTextField(blank=True)
    knows_password = models.BooleanField(
        default=False,
        help_text="The host called /setup with BASIC_AUTH_USER and BASIC_AUTH_PASS, so its webhook "
        "may contain them.",
    )

    # Credentials are a pair: a key is sent only to the URL that it came with.
    labelstudio_url = models.CharField(max_length=500, blank=True)
    labelstudio_key = EncryptedTextField(blank=True)
    connection = models.JSONField(
        default=dict,
        blank=True,
        help_text="The last check: its steps, the failed one and the cure.",
    )
    connection_checked_at = models.DateTimeField(null=True, blank=True)

    # How it trains.
    options = models.JSONField(default=dict, blank=True)
    policy = models.JSONField(default=default_policy)
    promotion_rule = models.CharField(
        max_length=32, choices=PromotionRule.choices, default=PromotionRule.IF_AT_LEAST_AS_GOOD
    )

    label_next_tab = models.BigIntegerField(
        null=True,
        blank=True,
        help_text="Label Studio's id of its tab with the tasks to label next.",
    )

    error_budget = models.FloatField(
        default=0.05,
        help_text="The share of wrong predictions that may be accepted unseen: 0.05 is 5 %.",
    )

    # The version that serves: a pointer that only `registry.actions` moves.
    champion = models.ForeignKey(
        "ModelVersion", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    archived_at = models.DateTimeField(
        null=True, blank=True, help_text="Since then it neither trains by itself nor is it read."
    )

    # The progress of events, sync, scoring and policy.
    events_queued_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="When processing of its events was queued; null: it has begun.",
    )
    synced_at = models.DateTimeField(null=True, blank=True)
    sync_queued_at = models.DateTimeField(null=True, blank=True)
    reading = models.JSONField(
        default=dict,
        blank=True,
        help_text="How far a reading of Label Studio is that has not ended; empty without one.",
    )
    sync_cursor_at = models.DateTimeField(
        null=True, blank=True, help_text="The largest task `updated_at` that was read by a sync."
    )
    unreadable_tasks = ArrayField(
        models.BigIntegerField(),
        default=list,
        blank=True,
        help_text="Label Studio's ids of the tasks that its API cannot return.",
    )
    data_outdated = models.BooleanField(
        default=False,
        help_text="The label config shows other data of the tasks than those that were read.",
    )
    scores_queued_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="When scoring unlabelled tasks was queued; null: it is finished.",
    )
    labels_changed_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="When a usable label last changed.",
    )
    threshold_reached_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="When the policy's threshold was reached; null: not reached.",
    )
    accuracy_dropped_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="When a drop of the accuracy on new labels was noticed; null: there is none.",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-created_at"]
        permissions = [
            ("train_project", "Can train a project, cancel its runs and try them again"),
            ("archive_project", "Can archive a project, and take it out again"),
            ("roll_back_project", "Can roll a project back to an earlier version"),
            ("check_project", "Can check a project's connection"),
            ("configure_project", "Can change how a project learns and promotes"),
            ("connect_project", "Can set a project's credentials and confirm its host"),
            (
                "call_routes_project",
                "Can call all of Label Studio's routes, as a key without a scope",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.title} ({self.place})" if self.title else f"Project {self.place}"

    @property
    def name(self) -> str:
        """Its title, else its number in Label Studio."""
        return self.title or f"Project #{self.labelstudio_id}"

    @property
    def place(self) -> str:
        """Its number in Label Studio, and that one's host: `#24 on labels.example.com`."""
        host = urlsplit(self.labelstudio_url or self.hostname).netloc
        return f"#{self.labelstudio_id} on {host}" if host else f"#{self.labelstudio_id}"

    @property
    def page(self) -> str:
        """Its address in Label Studio; "" where that is unknown."""
        base = (self.labelstudio_url or self.hostname).rstrip("/")
        known = base.startswith(("http://", "https://"))
        return f"{base}/projects/{self.labelstudio_id}" if known else ""

    @property
    def failed_step(self) -> dict[str, Any]:
        """The step of the last check that failed: `step`, `detail`, `cure`; {} if none did."""
        failed = self.connection.get("failed")
        steps = (s for s in self.connection.get("steps") or [] if s.get("step") == failed)
        return next(steps, {"step": failed}) if failed else {}

    @property
    def is_gone(self) -> bool:
        """Whether the last check found that its Label Studio does not have it any more."""
        return self.failed_step.get("code") in _GONE

    @property
    def read_so_far(self) -> tuple[int, int] | None:
        """How many tasks of how many the first reading has read; None once it is complete."""
        return (self.reading["read"], self.reading["of"]) if "of" in self.reading else None

    @property
    def is_being_read(self) -> bool:
        """Whether the first reading goes on: it has not failed."""
        return self.read_so_far is not None and "failed" not in self.reading

    @property
    def labelstudio_id(self) -> int:
        """The project's id inside its Label Studio: the part of the uid before the dot."""
        return int(self.uid.split(".", 1)[0])

    @property
    def served_version(self) -> str | None:
        """The version string of `/setup` and of every prediction; None before the first version."""
        return self.champion.label if self.champion else None


class AccessKey(models.Model):
    """A key of 160 random bits, stored as SHA-256, for the routes of its scope.

    It opens neither /api/ nor /admin/.
    """

    name = models.CharField(max_length=100)
    digest = models.CharField(max_length=64, unique=True, help_text="SHA-256, hex.")
    project = models.ForeignKey(
        "Project",
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="keys",
        help_text="Scope: this project only.",
    )
    hostname = models.CharField(
        max_length=500, blank=True, help_text="Scope: projects of this Label Studio only."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        permissions = [("revoke_accesskey", "Can revoke an access key")]

    def __str__(self) -> str:
        return self.name

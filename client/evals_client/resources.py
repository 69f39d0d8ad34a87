"""The resources of REST and their methods.

Made by client/generate.py from docs/openapi.yaml; not to be changed by hand.
"""

# mypy: disable-error-code="empty-body"

import builtins
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from evals_client import schema
from evals_client.routes import SECRET, Resource, route
from evals_client.transport import Transport


class AccessKeys(Resource):
    """`/api/access-keys/`"""

    @route("GET", "/api/access-keys/")
    def list(
        self,
        *,
        hostname: str | None = None,
        ordering: Annotated[
            Literal[
                "id",
                "-id",
                "name",
                "-name",
                "created_at",
                "-created_at",
                "last_used_at",
                "-last_used_at",
            ]
            | None,
            "A field, descending with a minus. Rows without a value come last.",
        ] = None,
        page_size: Annotated[int | None, "Rows on a page."] = None,
        project: int | None = None,
        revoked: bool | None = None,
        search: Annotated[
            str | None, "Words, each of which must occur in one of: name, hostname."
        ] = None,
    ) -> Iterator[schema.AccessKey]:
        """Access keys for Label Studio's routes; they are not valid under /api/."""

    @route("POST", "/api/access-keys/")
    def create(
        self,
        *,
        name: str,
        reason: Annotated[str | None, "Kept in the audit entry."] = None,
        project: int | None = None,
        hostname: Annotated[
            str | None,
            "The address of that Label Studio in its requests, such as http://localhost:8080.",
        ] = None,
    ) -> schema.CreatedKey:
        """Create a key. Its plain text is returned only in this response."""

    @route("GET", "/api/access-keys/{id}/")
    def get(self, id: int) -> schema.AccessKey:
        """Access keys for Label Studio's routes; they are not valid under /api/."""

    @route("POST", "/api/access-keys/{id}/revoke/")
    def revoke(
        self,
        id: int,
        *,
        reason: Annotated[str, "Kept in the audit entry, for those who come after."],
    ) -> schema.AccessKey:
        """It opens nothing from now on: what uses it stops working."""


class AuditEntries(Resource):
    """`/api/audit-entries/`"""

    @route("GET", "/api/audit-entries/")
    def list(
        self,
        *,
        actor: str | None = None,
        at_after: Annotated[str | None, "At or after this time."] = None,
        at_before: Annotated[str | None, "Before this time."] = None,
        ordering: Annotated[
            Literal["id", "-id"] | None,
            "A field, descending with a minus. Rows without a value come last.",
        ] = None,
        page_size: Annotated[int | None, "Rows on a page."] = None,
        project: int | None = None,
        run: int | None = None,
        search: Annotated[
            str | None, "Words, each of which must occur in one of: reason, actor, verb."
        ] = None,
        verb: str | None = None,
        version: int | None = None,
    ) -> Iterator[schema.AuditEntry]:
        """The audit entries, append-only."""

    @route("GET", "/api/audit-entries/{id}/")
    def get(self, id: int) -> schema.AuditEntry:
        """The audit entries, append-only."""


class Events(Resource):
    """`/api/events/`"""

    @route("GET", "/api/events/")
    def list(
        self,
        *,
        action: str | None = None,
        ordering: Annotated[
            Literal["id", "-id"] | None,
            "A field, descending with a minus. Rows without a value come last.",
        ] = None,
        page_size: Annotated[int | None, "Rows on a page."] = None,
        project: int | None = None,
        received_after: Annotated[str | None, "At or after this time."] = None,
        received_before: Annotated[str | None, "Before this time."] = None,
        request_id: str | None = None,
        run: int | None = None,
        search: Annotated[
            str | None, "Words, each of which must occur in one of: action, outcome."
        ] = None,
        source: Literal["predict", "refused", "setup", "train", "webhook"] | None = None,
        status: Literal["applied", "failed", "ignored", "queued_run", "received", "stale"]
        | None = None,
    ) -> Iterator[schema.Event]:
        """Events received from Label Studio, with their outcomes."""

    @route("GET", "/api/events/{id}/")
    def get(self, id: int) -> schema.EventDetail:
        """Events received from Label Studio, with their outcomes."""


class Metrics(Resource):
    """`/api/metrics/`"""

    @route("GET", "/api/metrics/")
    def list(
        self,
        *,
        label: str | None = None,
        name: str | None = None,
        ordering: Annotated[
            Literal["id", "-id", "name", "-name", "step", "-step", "value", "-value", "n", "-n"]
            | None,
            "A field, descending with a minus. Rows without a value come last.",
        ] = None,
        page_size: Annotated[int | None, "Rows on a page."] = None,
        search: Annotated[
            str | None, "Words, each of which must occur in one of: name, target, label."
        ] = None,
        split: str | None = None,
        step: int | None = None,
        target: str | None = None,
        version: int | None = None,
        whole: bool | None = None,
    ) -> Iterator[schema.Metric]:
        """The metrics of versions; for a series over a project's versions see the project."""

    @route("GET", "/api/metrics/{id}/")
    def get(self, id: int) -> schema.Metric:
        """The metrics of versions; for a series over a project's versions see the project."""


class Outcomes(Resource):
    """`/api/outcomes/`"""

    @route("GET", "/api/outcomes/")
    def list(
        self,
        *,
        correct: bool | None = None,
        human: Annotated[str | None, "A human label."] = None,
        ordering: Annotated[
            Literal["id", "-id", "score", "-score", "at", "-at"] | None,
            "A field, descending with a minus. Rows without a value come last.",
        ] = None,
        page_size: Annotated[int | None, "Rows on a page."] = None,
        predicted: Annotated[str | None, "A predicted label."] = None,
        source: Literal["holdout", "out_of_fold", "prequential", "shown"] | None = None,
        target: str | None = None,
        task: int | None = None,
        version: int | None = None,
    ) -> Iterator[schema.Outcome]:
        """Predictions with the human label: of holdout tasks, and of tasks that were labelled
        later.
        """

    @route("GET", "/api/outcomes/{id}/")
    def get(self, id: int) -> schema.Outcome:
        """Predictions with the human label: of holdout tasks, and of tasks that were labelled
        later.
        """


class Projects(Resource):
    """`/api/projects/`"""

    @route("GET", "/api/projects/")
    def list(
        self,
        *,
        archived: bool | None = None,
        created_after: Annotated[str | None, "At or after this time."] = None,
        created_before: Annotated[str | None, "Before this time."] = None,
        has_champion: bool | None = None,
        hostname: str | None = None,
        ordering: Annotated[
            Literal[
                "id",
                "-id",
                "title",
                "-title",
                "created_at",
                "-created_at",
                "updated_at",
                "-updated_at",
            ]
            | None,
            "A field, descending with a minus. Rows without a value come last.",
        ] = None,
        page_size: Annotated[int | None, "Rows on a page."] = None,
        pipeline: Annotated[str | None, "The name of one of its pipelines."] = None,
        promotion_rule: Literal["always", "if_at_least_as_good", "if_clearly_better", "never"]
        | None = None,
        search: Annotated[
            str | None, "Words, each of which must occur in one of: title, uid, hostname."
        ] = None,
        uid: str | None = None,
    ) -> Iterator[schema.Project]:
        """The projects of Label Studio in the registry."""

    @route("GET", "/api/projects/{id}/")
    def get(self, id: int) -> schema.ProjectDetail:
        """The projects of Label Studio in the registry."""

    @route("PATCH", "/api/projects/{id}/")
    def update(
        self,
        id: int,
        *,
        reason: Annotated[str | None, "Kept in the audit entry."] = None,
        policy: Annotated[
            dict[str, Any] | None, "When to train. The project lists all settings."
        ] = None,
        options: Annotated[
            dict[str, Any] | None,
            "Options of the project's pipelines; under `controls` by name those of controls.",
        ] = None,
        promotion_rule: schema.PromotionRuleEnum | None = None,
        error_budget: Annotated[
            float | None, "The share of wrong predictions that may be accepted unseen."
        ] = None,
    ) -> schema.ProjectDetail:
        """Change the project's policy, options, promotion rule and error budget."""

    @route("GET", "/api/projects/{id}/annotators/")
    def annotators(self, id: int) -> schema.Agreement:
        """How the annotators agree with each other, and each with the champion, by target."""

    @route("POST", "/api/projects/{id}/archive/")
    def archive(
        self,
        id: int,
        *,
        reason: Annotated[str, "Kept in the audit entry, for those who come after."],
    ) -> schema.ProjectDetail:
        """Takes the project off the home page, until it is taken out of the archive."""

    @route("GET", "/api/projects/{id}/auto-accept/")
    def auto_accept(
        self,
        id: int,
        *,
        budget: Annotated[
            float | None, "The share that may be wrong. Omitted: that of the project."
        ] = None,
    ) -> schema.AutoAccept:
        """The score from which the champion's predictions can be accepted without a look."""

    @route("POST", "/api/projects/{id}/check-connection/")
    def check_connection(self, id: int) -> schema.ProjectDetail:
        """Tries each step to Label Studio and back, and names the one that fails."""

    @route("POST", "/api/projects/{id}/confirm-hostname/")
    def confirm_hostname(
        self,
        id: int,
        *,
        hostname: Annotated[
            str, "The token that this host sent with its setup may then be sent back to it."
        ],
        reason: Annotated[str, "Kept in the audit entry, for those who come after."],
    ) -> schema.ProjectDetail:
        """Vouches for a Label Studio that says this project is its own."""

    @route("GET", "/api/projects/{id}/label-next/")
    def label_next(
        self, id: int, *, limit: int | None = None, offset: int | None = None
    ) -> builtins.list[schema.NextTask]:
        """Unlabelled tasks, those with the champion's smallest margins first, a share at
        random.
        """

    @route("POST", "/api/projects/{id}/label-next-tab/")
    def label_next_tab(
        self, id: int, *, reason: Annotated[str | None, "Kept in the audit entry."] = None
    ) -> schema.ProjectDetail:
        """Makes or refreshes a tab in Label Studio's Data Manager with the next tasks."""

    @route("GET", "/api/projects/{id}/metrics/")
    def metrics(
        self,
        id: int,
        *,
        name: Annotated[str | None, "Such as macro_f1, accuracy, log_loss."] = None,
        target: Annotated[
            str | None, "Omitted: the whole version, else the mean over its targets."
        ] = None,
    ) -> builtins.list[schema.MetricPoint]:
        """One metric over the project's versions, oldest first, with its baseline."""

    @route("GET", "/api/projects/{id}/prequential/")
    def prequential(
        self, id: int, *, days: int | None = None
    ) -> builtins.list[schema.PrequentialDay]:
        """Accuracy per day of the served versions, on labels made after their predictions."""

    @route("POST", "/api/projects/{id}/rename-label/")
    def rename_label(
        self,
        id: int,
        *,
        rename: Annotated[str, "The label's old and new name."],
        reason: Annotated[str | None, "Kept in the audit entry."] = None,
    ) -> schema.ProjectDetail:
        """Confirms that a label has another name in the label config: what annotations and
        versions say under the old one counts as the new one. Without it nothing changes.
        """

    @route("POST", "/api/projects/{id}/roll-back/")
    def roll_back(
        self,
        id: int,
        *,
        reason: Annotated[str, "Kept in the audit entry, for those who come after."],
        to: Annotated[int | None, "Left out: the champion before."] = None,
    ) -> schema.ProjectDetail:
        """Makes the champion before the current one serve again."""

    @route("POST", "/api/projects/{id}/set-credentials/")
    def set_credentials(
        self,
        id: int,
        *,
        url: Annotated[str, "Such as http://localhost:8080"],
        key: Annotated[
            str, "A personal access token or a legacy token. Both empty: take them away.", SECRET
        ],
    ) -> schema.ProjectDetail:
        """With what this project's Label Studio is called. The key is encrypted."""

    @route("GET", "/api/projects/{id}/similar/")
    def similar(
        self, id: int, *, task: int, k: int | None = None
    ) -> builtins.list[schema.SimilarTask]:
        """The tasks whose images are most similar to a task's, highest cosine first."""

    @route("GET", "/api/projects/{id}/suspect-labels/")
    def suspect_labels(
        self,
        id: int,
        *,
        limit: int | None = None,
        offset: int | None = None,
        target: Annotated[str | None, "Omitted: of all targets."] = None,
    ) -> schema.SuspectLabels:
        """Labels that look wrong: contradicted with confidence by a version that had not seen
        them.
        """

    @route("POST", "/api/projects/{id}/unarchive/")
    def unarchive(
        self,
        id: int,
        *,
        reason: Annotated[str, "Kept in the audit entry, for those who come after."],
    ) -> schema.ProjectDetail:
        """Shows the project again, and reads from Label Studio what it has missed."""

    @route("POST", "/api/projects/{id}/undo-rename/")
    def undo_rename(
        self,
        id: int,
        *,
        rename: Annotated[str, "The label's old and new name."],
        reason: Annotated[str | None, "Kept in the audit entry."] = None,
    ) -> schema.ProjectDetail:
        """The old label counts as itself again, and the champion predicts it as it did."""


class Runs(Resource):
    """`/api/runs/`"""

    @route("GET", "/api/runs/")
    def list(
        self,
        *,
        created_after: Annotated[str | None, "At or after this time."] = None,
        created_before: Annotated[str | None, "Before this time."] = None,
        error_code: str | None = None,
        has_version: bool | None = None,
        kind: Literal["challenger", "training"] | None = None,
        ordering: Annotated[
            Literal[
                "id",
                "-id",
                "created_at",
                "-created_at",
                "started_at",
                "-started_at",
                "ended_at",
                "-ended_at",
            ]
            | None,
            "A field, descending with a minus. Rows without a value come last.",
        ] = None,
        page_size: Annotated[int | None, "Rows on a page."] = None,
        project: int | None = None,
        search: Annotated[
            str | None, "Words, each of which must occur in one of: error, error_code."
        ] = None,
        state: builtins.list[Literal["cancelled", "failed", "queued", "running", "succeeded"]]
        | None = None,
        trigger: Literal[
            "admin",
            "api",
            "challenger",
            "command",
            "config",
            "format",
            "policy",
            "pretrained",
            "retry",
            "start_training",
            "train_route",
        ]
        | None = None,
    ) -> Iterator[schema.Run]:
        """Training runs. A project has at most one active run of each kind."""

    @route("POST", "/api/runs/")
    def create(
        self, *, project: int, reason: Annotated[str | None, "Kept in the audit entry."] = None
    ) -> schema.RunDetail:
        """Queue a run (201), or return the project's active training (200)."""

    @route("GET", "/api/runs/{id}/")
    def get(self, id: int) -> schema.RunDetail:
        """Training runs. A project has at most one active run of each kind."""

    @route("POST", "/api/runs/{id}/cancel/")
    def cancel(
        self, id: int, *, reason: Annotated[str | None, "Kept in the audit entry."] = None
    ) -> schema.RunDetail:
        """A queued run ends at once, a running one within two seconds."""

    @route("POST", "/api/runs/{id}/retry/")
    def retry(
        self, id: int, *, reason: Annotated[str | None, "Kept in the audit entry."] = None
    ) -> schema.RunDetail:
        """Queues a run that failed or was cancelled again, with its parameters, on today's
        labels. A run that is active goes on instead.
        """


class Tasks(Resource):
    """`/api/tasks/`"""

    @route("GET", "/api/tasks/")
    def list(
        self,
        *,
        deleted: bool | None = None,
        labelled: Annotated[bool | None, "Whether it has a usable label."] = None,
        labels_changed_after: Annotated[str | None, "At or after this time."] = None,
        labels_changed_before: Annotated[str | None, "Before this time."] = None,
        labelstudio_id: int | None = None,
        ordering: Annotated[
            Literal[
                "id",
                "-id",
                "labelstudio_id",
                "-labelstudio_id",
                "labels_changed_at",
                "-labels_changed_at",
            ]
            | None,
            "A field, descending with a minus. Rows without a value come last.",
        ] = None,
        page_size: Annotated[int | None, "Rows on a page."] = None,
        project: int | None = None,
        split: Literal["holdout", "train"] | None = None,
    ) -> Iterator[schema.Task]:
        """The mirrored tasks of Label Studio's projects."""

    @route("GET", "/api/tasks/{id}/")
    def get(self, id: int) -> schema.TaskDetail:
        """The mirrored tasks of Label Studio's projects."""

    @route("GET", "/api/tasks/{id}/thumbnail/")
    def thumbnail(
        self,
        id: int,
        *,
        size: Annotated[
            Literal["large", "small"] | None, "160 or 480 pixels on the longer side."
        ] = None,
    ) -> bytes:
        """The task's image as a small JPEG."""


class Versions(Resource):
    """`/api/versions/`"""

    @route("GET", "/api/versions/")
    def list(
        self,
        *,
        archived: bool | None = None,
        champion: Annotated[bool | None, "Whether it is the champion."] = None,
        created_after: Annotated[str | None, "At or after this time."] = None,
        created_before: Annotated[str | None, "Before this time."] = None,
        label: str | None = None,
        load_failed: bool | None = None,
        number: int | None = None,
        ordering: Annotated[
            Literal[
                "id",
                "-id",
                "number",
                "-number",
                "created_at",
                "-created_at",
                "artifact_bytes",
                "-artifact_bytes",
            ]
            | None,
            "A field, descending with a minus. Rows without a value come last.",
        ] = None,
        page_size: Annotated[int | None, "Rows on a page."] = None,
        pipeline: Annotated[str | None, "The name of one of its pipelines."] = None,
        project: int | None = None,
        recipe: str | None = None,
        run: int | None = None,
        search: Annotated[
            str | None, "Words, each of which must occur in one of: label, note."
        ] = None,
        tag: Annotated[str | None, "One of its tags."] = None,
    ) -> Iterator[schema.Version]:
        """The projects' model versions: immutable, and never deleted."""

    @route("GET", "/api/versions/{id}/")
    def get(self, id: int) -> schema.VersionDetail:
        """The projects' model versions: immutable, and never deleted."""

    @route("POST", "/api/versions/{id}/archive/")
    def archive(
        self,
        id: int,
        *,
        reason: Annotated[str, "Kept in the audit entry, for those who come after."],
    ) -> schema.VersionDetail:
        """Nothing will promote the version or fall back to it."""

    @route("GET", "/api/versions/{id}/artifact/")
    def artifact(self, id: int) -> bytes:
        """The artifact, verified against its SHA-256."""

    @route("GET", "/api/versions/{id}/card/")
    def card(self, id: int) -> schema.Card:
        """The version's card: metrics, classes, mistakes, comparison and lineage."""

    @route("GET", "/api/versions/{id}/card/markdown/")
    def card_markdown(self, id: int) -> str:
        """The card as Markdown, for a pull request or a wiki."""

    @route("POST", "/api/versions/{id}/clear-load-failure/")
    def clear_load_failure(
        self,
        id: int,
        *,
        reason: Annotated[str, "Kept in the audit entry, for those who come after."],
    ) -> schema.VersionDetail:
        """Checks that the version's artifact is back as it was put. Then the version may serve
        again.
        """

    @route("GET", "/api/versions/{id}/compare/")
    def compare(self, id: int, *, with_: int) -> schema.VersionComparison:
        """This version (b) against another (a) of its project, on the tasks both were
        evaluated on.
        """

    @route("GET", "/api/versions/{id}/dataset/")
    def dataset(self, id: int, *, as_: Literal["jsonl", "labelstudio"] | None = None) -> bytes:
        """The tasks and labels that it learned from, and its holdout."""

    @route("GET", "/api/versions/{id}/exemplars/")
    def exemplars(
        self,
        id: int,
        *,
        label: Annotated[str | None, "Omitted: all."] = None,
        limit: int | None = None,
        target: Annotated[str | None, "Omitted: all."] = None,
    ) -> builtins.list[schema.LabelExemplars]:
        """Examples of each label: the tasks with its highest scores."""

    @route("GET", "/api/versions/{id}/export/")
    def export(self, id: int) -> bytes:
        """A folder that predicts without this backend, as a zip: an MLflow model."""

    @route("GET", "/api/versions/{id}/mistakes/")
    def mistakes(
        self,
        id: int,
        *,
        limit: int | None = None,
        source: Literal["holdout", "out_of_fold", "prequential", "shown"] | None = None,
        target: Annotated[str | None, "Omitted: all."] = None,
    ) -> builtins.list[schema.Mistake]:
        """Wrong predictions, the highest score first."""

    @route("POST", "/api/versions/{id}/note/")
    def note(self, id: int, *, note: str) -> schema.VersionDetail:
        """What people should know of this version. The one before stays in its audit entry."""

    @route("POST", "/api/versions/{id}/promote/")
    def promote(
        self,
        id: int,
        *,
        reason: Annotated[str, "Kept in the audit entry, for those who come after."],
    ) -> schema.VersionDetail:
        """This version serves from now on, and Label Studio asks for its predictions."""

    @route("POST", "/api/versions/{id}/tags/")
    def tags(
        self, id: int, *, tags: Annotated[str, "With commas, 20 at most."]
    ) -> schema.VersionDetail:
        """Words by which this version is found: in the list of versions, and in REST by `tag`."""

    @route("POST", "/api/versions/{id}/unarchive/")
    def unarchive(
        self,
        id: int,
        *,
        reason: Annotated[str, "Kept in the audit entry, for those who come after."],
    ) -> schema.VersionDetail:
        """The version may be promoted again, and serve if a later champion does not load."""


class WebhookDeliveries(Resource):
    """`/api/webhook-deliveries/`"""

    @route("GET", "/api/webhook-deliveries/")
    def list(
        self,
        *,
        ordering: Annotated[
            Literal["id", "-id"] | None,
            "A field, descending with a minus. Rows without a value come last.",
        ] = None,
        page_size: Annotated[int | None, "Rows on a page."] = None,
        project: int | None = None,
        state: Literal["delivered", "failed", "pending"] | None = None,
        topic: Literal[
            "connection_lost",
            "fell_back",
            "metric_dropped",
            "run_failed",
            "test",
            "version_promoted",
            "worker_silent",
        ]
        | None = None,
        webhook: int | None = None,
    ) -> Iterator[schema.WebhookDelivery]:
        """Deliveries to webhooks, pending and ended ones; deleted after 30 days."""

    @route("GET", "/api/webhook-deliveries/{id}/")
    def get(self, id: int) -> schema.WebhookDelivery:
        """Deliveries to webhooks, pending and ended ones; deleted after 30 days."""


class Webhooks(Resource):
    """`/api/webhooks/`"""

    @route("GET", "/api/webhooks/")
    def list(
        self,
        *,
        disabled: bool | None = None,
        ordering: Annotated[
            Literal["id", "-id", "name", "-name", "created_at", "-created_at"] | None,
            "A field, descending with a minus. Rows without a value come last.",
        ] = None,
        page_size: Annotated[int | None, "Rows on a page."] = None,
        project: int | None = None,
        search: Annotated[
            str | None, "Words, each of which must occur in one of: name, host."
        ] = None,
    ) -> Iterator[schema.Webhook]:
        """The URLs to which notifications are sent."""

    @route("POST", "/api/webhooks/")
    def create(
        self,
        *,
        name: str,
        url: Annotated[
            str, "https on the internet; other hosts where WEBHOOK_ALLOWED_HOSTS lists them."
        ],
        topics: builtins.list[schema.TopicsEnum],
        reason: Annotated[str | None, "Kept in the audit entry."] = None,
        format: schema.FormatEnum | None = None,
        project: int | None = None,
    ) -> schema.WebhookWithSecret:
        """Create a webhook. Its secret is returned only in this response."""

    @route("GET", "/api/webhooks/{id}/")
    def get(self, id: int) -> schema.Webhook:
        """The URLs to which notifications are sent."""

    @route("POST", "/api/webhooks/{id}/disable/")
    def disable(
        self,
        id: int,
        *,
        reason: Annotated[str, "Kept in the audit entry, for those who come after."],
    ) -> schema.Webhook:
        """Nothing more is sent to it; what waits is given up."""

    @route("POST", "/api/webhooks/{id}/enable/")
    def enable(
        self,
        id: int,
        *,
        reason: Annotated[str, "Kept in the audit entry, for those who come after."],
    ) -> schema.Webhook:
        """Notifications are sent to it again from now on."""

    @route("POST", "/api/webhooks/{id}/new-secret/")
    def new_secret(
        self, id: int, *, reason: Annotated[str | None, "Kept in the audit entry."] = None
    ) -> schema.WebhookWithSecret:
        """Makes another secret, which is shown once. The one before signs for a day more."""

    @route("POST", "/api/webhooks/{id}/test/")
    def test(
        self, id: int, *, reason: Annotated[str | None, "Kept in the audit entry."] = None
    ) -> schema.Webhook:
        """Sends a test as everything else is sent. Its deliveries say how it went."""


class Resources:
    """The resources of a backend."""

    def __init__(self, transport: Transport) -> None:
        self.access_keys = AccessKeys(transport)
        self.audit_entries = AuditEntries(transport)
        self.events = Events(transport)
        self.metrics = Metrics(transport)
        self.outcomes = Outcomes(transport)
        self.projects = Projects(transport)
        self.runs = Runs(transport)
        self.tasks = Tasks(transport)
        self.versions = Versions(transport)
        self.webhook_deliveries = WebhookDeliveries(transport)
        self.webhooks = Webhooks(transport)

"""The resources of REST and their methods.

Made by client/generate.py from docs/openapi.yaml; not to be changed by hand.
"""

import builtins
from collections.abc import Iterator
from typing import Any, Literal

from evals_client import schema
from evals_client.operations import Operation, Parameter
from evals_client.transport import Resource, Transport, without_none


class AccessKeys(Resource):
    """`/api/access-keys/`"""

    def list(
        self,
        *,
        hostname: str | None = None,
        ordering: Literal[
            "id",
            "-id",
            "name",
            "-name",
            "created_at",
            "-created_at",
            "last_used_at",
            "-last_used_at",
        ]
        | None = None,
        page_size: int | None = None,
        project: int | None = None,
        revoked: bool | None = None,
        search: str | None = None,
    ) -> Iterator[schema.AccessKey]:
        """Access keys for Label Studio's routes; they are not valid under /api/."""
        return self._transport.pages(
            "/api/access-keys/",
            {
                "hostname": hostname,
                "ordering": ordering,
                "page_size": page_size,
                "project": project,
                "revoked": revoked,
                "search": search,
            },
        )

    def create(
        self,
        *,
        name: str,
        reason: str | None = None,
        project: int | None = None,
        hostname: str | None = None,
    ) -> schema.CreatedKey:
        """Create a key. Its plain text is returned only in this response."""
        found: schema.CreatedKey = self._transport.json(
            "POST",
            "/api/access-keys/",
            body=without_none(
                {"name": name, "reason": reason, "project": project, "hostname": hostname}
            ),
        )
        return found

    def get(
        self,
        id: int,
    ) -> schema.AccessKey:
        """Access keys for Label Studio's routes; they are not valid under /api/."""
        found: schema.AccessKey = self._transport.json("GET", f"/api/access-keys/{id}/")
        return found

    def revoke(
        self,
        id: int,
        *,
        reason: str,
    ) -> schema.AccessKey:
        """It opens nothing from now on: what uses it stops working."""
        found: schema.AccessKey = self._transport.json(
            "POST", f"/api/access-keys/{id}/revoke/", body=without_none({"reason": reason})
        )
        return found


class AuditEntries(Resource):
    """`/api/audit-entries/`"""

    def list(
        self,
        *,
        actor: str | None = None,
        at_after: str | None = None,
        at_before: str | None = None,
        ordering: Literal["id", "-id"] | None = None,
        page_size: int | None = None,
        project: int | None = None,
        run: int | None = None,
        search: str | None = None,
        verb: str | None = None,
        version: int | None = None,
    ) -> Iterator[schema.AuditEntry]:
        """The audit entries, append-only."""
        return self._transport.pages(
            "/api/audit-entries/",
            {
                "actor": actor,
                "at_after": at_after,
                "at_before": at_before,
                "ordering": ordering,
                "page_size": page_size,
                "project": project,
                "run": run,
                "search": search,
                "verb": verb,
                "version": version,
            },
        )

    def get(
        self,
        id: int,
    ) -> schema.AuditEntry:
        """The audit entries, append-only."""
        found: schema.AuditEntry = self._transport.json("GET", f"/api/audit-entries/{id}/")
        return found


class Events(Resource):
    """`/api/events/`"""

    def list(
        self,
        *,
        action: str | None = None,
        ordering: Literal["id", "-id"] | None = None,
        page_size: int | None = None,
        project: int | None = None,
        received_after: str | None = None,
        received_before: str | None = None,
        request_id: str | None = None,
        run: int | None = None,
        search: str | None = None,
        source: Literal["predict", "refused", "setup", "train", "webhook"] | None = None,
        status: Literal["applied", "failed", "ignored", "queued_run", "received", "stale"]
        | None = None,
    ) -> Iterator[schema.Event]:
        """Events received from Label Studio, with their outcomes."""
        return self._transport.pages(
            "/api/events/",
            {
                "action": action,
                "ordering": ordering,
                "page_size": page_size,
                "project": project,
                "received_after": received_after,
                "received_before": received_before,
                "request_id": request_id,
                "run": run,
                "search": search,
                "source": source,
                "status": status,
            },
        )

    def get(
        self,
        id: int,
    ) -> schema.EventDetail:
        """Events received from Label Studio, with their outcomes."""
        found: schema.EventDetail = self._transport.json("GET", f"/api/events/{id}/")
        return found


class Metrics(Resource):
    """`/api/metrics/`"""

    def list(
        self,
        *,
        label: str | None = None,
        name: str | None = None,
        ordering: Literal[
            "id", "-id", "name", "-name", "step", "-step", "value", "-value", "n", "-n"
        ]
        | None = None,
        page_size: int | None = None,
        search: str | None = None,
        split: str | None = None,
        step: int | None = None,
        target: str | None = None,
        version: int | None = None,
        whole: bool | None = None,
    ) -> Iterator[schema.Metric]:
        """The metrics of versions; for a series over a project's versions see the project."""
        return self._transport.pages(
            "/api/metrics/",
            {
                "label": label,
                "name": name,
                "ordering": ordering,
                "page_size": page_size,
                "search": search,
                "split": split,
                "step": step,
                "target": target,
                "version": version,
                "whole": whole,
            },
        )

    def get(
        self,
        id: int,
    ) -> schema.Metric:
        """The metrics of versions; for a series over a project's versions see the project."""
        found: schema.Metric = self._transport.json("GET", f"/api/metrics/{id}/")
        return found


class Outcomes(Resource):
    """`/api/outcomes/`"""

    def list(
        self,
        *,
        correct: bool | None = None,
        human: str | None = None,
        ordering: Literal["id", "-id", "score", "-score", "at", "-at"] | None = None,
        page_size: int | None = None,
        predicted: str | None = None,
        source: Literal["holdout", "prequential", "shown"] | None = None,
        target: str | None = None,
        task: int | None = None,
        version: int | None = None,
    ) -> Iterator[schema.Outcome]:
        """Predictions with the human label: of holdout tasks, and of tasks that were labelled
        later.
        """
        return self._transport.pages(
            "/api/outcomes/",
            {
                "correct": correct,
                "human": human,
                "ordering": ordering,
                "page_size": page_size,
                "predicted": predicted,
                "source": source,
                "target": target,
                "task": task,
                "version": version,
            },
        )

    def get(
        self,
        id: int,
    ) -> schema.Outcome:
        """Predictions with the human label: of holdout tasks, and of tasks that were labelled
        later.
        """
        found: schema.Outcome = self._transport.json("GET", f"/api/outcomes/{id}/")
        return found


class Projects(Resource):
    """`/api/projects/`"""

    def list(
        self,
        *,
        archived: bool | None = None,
        created_after: str | None = None,
        created_before: str | None = None,
        has_champion: bool | None = None,
        hostname: str | None = None,
        ordering: Literal[
            "id", "-id", "title", "-title", "created_at", "-created_at", "updated_at", "-updated_at"
        ]
        | None = None,
        page_size: int | None = None,
        pipeline: str | None = None,
        promotion_rule: Literal["always", "if_at_least_as_good", "if_clearly_better", "never"]
        | None = None,
        search: str | None = None,
        uid: str | None = None,
    ) -> Iterator[schema.Project]:
        """The projects of Label Studio in the registry."""
        return self._transport.pages(
            "/api/projects/",
            {
                "archived": archived,
                "created_after": created_after,
                "created_before": created_before,
                "has_champion": has_champion,
                "hostname": hostname,
                "ordering": ordering,
                "page_size": page_size,
                "pipeline": pipeline,
                "promotion_rule": promotion_rule,
                "search": search,
                "uid": uid,
            },
        )

    def get(
        self,
        id: int,
    ) -> schema.ProjectDetail:
        """The projects of Label Studio in the registry."""
        found: schema.ProjectDetail = self._transport.json("GET", f"/api/projects/{id}/")
        return found

    def update(
        self,
        id: int,
        *,
        reason: str | None = None,
        policy: dict[str, Any] | None = None,
        options: dict[str, Any] | None = None,
        promotion_rule: schema.PromotionRuleEnum | None = None,
    ) -> schema.ProjectDetail:
        """Change the project's policy, options and promotion rule."""
        found: schema.ProjectDetail = self._transport.json(
            "PATCH",
            f"/api/projects/{id}/",
            body=without_none(
                {
                    "reason": reason,
                    "policy": policy,
                    "options": options,
                    "promotion_rule": promotion_rule,
                }
            ),
        )
        return found

    def archive(
        self,
        id: int,
        *,
        reason: str,
    ) -> schema.ProjectDetail:
        """Takes the project off the home page, until it is taken out of the archive."""
        found: schema.ProjectDetail = self._transport.json(
            "POST", f"/api/projects/{id}/archive/", body=without_none({"reason": reason})
        )
        return found

    def label_next(
        self,
        id: int,
        *,
        limit: int | None = None,
        offset: int | None = None,
    ) -> builtins.list[schema.NextTask]:
        """Unlabelled tasks, those with the champion's smallest margins first, a share at
        random.
        """
        found: builtins.list[schema.NextTask] = self._transport.json(
            "GET", f"/api/projects/{id}/label-next/", {"limit": limit, "offset": offset}
        )
        return found

    def label_next_tab(
        self,
        id: int,
        *,
        reason: str | None = None,
    ) -> schema.ProjectDetail:
        """Makes or refreshes a tab in Label Studio's Data Manager with the next tasks."""
        found: schema.ProjectDetail = self._transport.json(
            "POST", f"/api/projects/{id}/label-next-tab/", body=without_none({"reason": reason})
        )
        return found

    def metrics(
        self,
        id: int,
        *,
        name: str | None = None,
        target: str | None = None,
    ) -> builtins.list[schema.MetricPoint]:
        """One metric over the project's versions, oldest first, with its baseline."""
        found: builtins.list[schema.MetricPoint] = self._transport.json(
            "GET", f"/api/projects/{id}/metrics/", {"name": name, "target": target}
        )
        return found

    def prequential(
        self,
        id: int,
        *,
        days: int | None = None,
    ) -> builtins.list[schema.PrequentialDay]:
        """Accuracy per day of the served versions, on labels made after their predictions."""
        found: builtins.list[schema.PrequentialDay] = self._transport.json(
            "GET", f"/api/projects/{id}/prequential/", {"days": days}
        )
        return found

    def rename_label(
        self,
        id: int,
        *,
        rename: str,
        reason: str | None = None,
    ) -> schema.ProjectDetail:
        """Confirms that a label has another name in the label config: what annotations and
        versions say under the old one counts as the new one. Without it nothing changes.
        """
        found: schema.ProjectDetail = self._transport.json(
            "POST",
            f"/api/projects/{id}/rename-label/",
            body=without_none({"rename": rename, "reason": reason}),
        )
        return found

    def roll_back(
        self,
        id: int,
        *,
        reason: str,
        to: int | None = None,
    ) -> schema.ProjectDetail:
        """Makes the champion before the current one serve again."""
        found: schema.ProjectDetail = self._transport.json(
            "POST",
            f"/api/projects/{id}/roll-back/",
            body=without_none({"reason": reason, "to": to}),
        )
        return found

    def similar(
        self,
        id: int,
        *,
        task: int,
        k: int | None = None,
    ) -> builtins.list[schema.SimilarTask]:
        """The tasks whose images are most similar to a task's, highest cosine first."""
        found: builtins.list[schema.SimilarTask] = self._transport.json(
            "GET", f"/api/projects/{id}/similar/", {"task": task, "k": k}
        )
        return found

    def unarchive(
        self,
        id: int,
        *,
        reason: str,
    ) -> schema.ProjectDetail:
        """Shows the project again, and reads from Label Studio what it has missed."""
        found: schema.ProjectDetail = self._transport.json(
            "POST", f"/api/projects/{id}/unarchive/", body=without_none({"reason": reason})
        )
        return found

    def undo_rename(
        self,
        id: int,
        *,
        rename: str,
        reason: str | None = None,
    ) -> schema.ProjectDetail:
        """The old label counts as itself again, and the champion predicts it as it did."""
        found: schema.ProjectDetail = self._transport.json(
            "POST",
            f"/api/projects/{id}/undo-rename/",
            body=without_none({"rename": rename, "reason": reason}),
        )
        return found


class Runs(Resource):
    """`/api/runs/`"""

    def list(
        self,
        *,
        created_after: str | None = None,
        created_before: str | None = None,
        error_code: str | None = None,
        has_version: bool | None = None,
        kind: Literal["challenger", "training"] | None = None,
        ordering: Literal[
            "id",
            "-id",
            "created_at",
            "-created_at",
            "started_at",
            "-started_at",
            "ended_at",
            "-ended_at",
        ]
        | None = None,
        page_size: int | None = None,
        project: int | None = None,
        search: str | None = None,
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
            "retry",
            "start_training",
            "train_route",
        ]
        | None = None,
    ) -> Iterator[schema.Run]:
        """Training runs. A project has at most one active run of each kind."""
        return self._transport.pages(
            "/api/runs/",
            {
                "created_after": created_after,
                "created_before": created_before,
                "error_code": error_code,
                "has_version": has_version,
                "kind": kind,
                "ordering": ordering,
                "page_size": page_size,
                "project": project,
                "search": search,
                "state": state,
                "trigger": trigger,
            },
        )

    def create(
        self,
        *,
        project: int,
        reason: str | None = None,
    ) -> schema.RunDetail:
        """Queue a run (201), or return the project's active training (200)."""
        found: schema.RunDetail = self._transport.json(
            "POST", "/api/runs/", body=without_none({"project": project, "reason": reason})
        )
        return found

    def get(
        self,
        id: int,
    ) -> schema.RunDetail:
        """Training runs. A project has at most one active run of each kind."""
        found: schema.RunDetail = self._transport.json("GET", f"/api/runs/{id}/")
        return found

    def cancel(
        self,
        id: int,
        *,
        reason: str | None = None,
    ) -> schema.RunDetail:
        """A queued run ends at once, a running one within two seconds."""
        found: schema.RunDetail = self._transport.json(
            "POST", f"/api/runs/{id}/cancel/", body=without_none({"reason": reason})
        )
        return found

    def retry(
        self,
        id: int,
        *,
        reason: str | None = None,
    ) -> schema.RunDetail:
        """Queues a run that failed or was cancelled again, with its parameters, on today's
        labels. A run that is active goes on instead.
        """
        found: schema.RunDetail = self._transport.json(
            "POST", f"/api/runs/{id}/retry/", body=without_none({"reason": reason})
        )
        return found


class Tasks(Resource):
    """`/api/tasks/`"""

    def list(
        self,
        *,
        deleted: bool | None = None,
        labelled: bool | None = None,
        labels_changed_after: str | None = None,
        labels_changed_before: str | None = None,
        labelstudio_id: int | None = None,
        ordering: Literal[
            "id",
            "-id",
            "labelstudio_id",
            "-labelstudio_id",
            "labels_changed_at",
            "-labels_changed_at",
        ]
        | None = None,
        page_size: int | None = None,
        project: int | None = None,
        split: Literal["holdout", "train"] | None = None,
    ) -> Iterator[schema.Task]:
        """The mirrored tasks of Label Studio's projects."""
        return self._transport.pages(
            "/api/tasks/",
            {
                "deleted": deleted,
                "labelled": labelled,
                "labels_changed_after": labels_changed_after,
                "labels_changed_before": labels_changed_before,
                "labelstudio_id": labelstudio_id,
                "ordering": ordering,
                "page_size": page_size,
                "project": project,
                "split": split,
            },
        )

    def get(
        self,
        id: int,
    ) -> schema.TaskDetail:
        """The mirrored tasks of Label Studio's projects."""
        found: schema.TaskDetail = self._transport.json("GET", f"/api/tasks/{id}/")
        return found

    def thumbnail(
        self,
        id: int,
        *,
        size: Literal["large", "small"] | None = None,
    ) -> bytes:
        """The task's image as a small JPEG."""
        return self._transport.send("GET", f"/api/tasks/{id}/thumbnail/", {"size": size}).content


class Versions(Resource):
    """`/api/versions/`"""

    def list(
        self,
        *,
        archived: bool | None = None,
        champion: bool | None = None,
        created_after: str | None = None,
        created_before: str | None = None,
        label: str | None = None,
        load_failed: bool | None = None,
        number: int | None = None,
        ordering: Literal[
            "id",
            "-id",
            "number",
            "-number",
            "created_at",
            "-created_at",
            "artifact_bytes",
            "-artifact_bytes",
        ]
        | None = None,
        page_size: int | None = None,
        pipeline: str | None = None,
        project: int | None = None,
        recipe: str | None = None,
        run: int | None = None,
        search: str | None = None,
    ) -> Iterator[schema.Version]:
        """The projects' model versions: immutable, and never deleted."""
        return self._transport.pages(
            "/api/versions/",
            {
                "archived": archived,
                "champion": champion,
                "created_after": created_after,
                "created_before": created_before,
                "label": label,
                "load_failed": load_failed,
                "number": number,
                "ordering": ordering,
                "page_size": page_size,
                "pipeline": pipeline,
                "project": project,
                "recipe": recipe,
                "run": run,
                "search": search,
            },
        )

    def get(
        self,
        id: int,
    ) -> schema.VersionDetail:
        """The projects' model versions: immutable, and never deleted."""
        found: schema.VersionDetail = self._transport.json("GET", f"/api/versions/{id}/")
        return found

    def archive(
        self,
        id: int,
        *,
        reason: str,
    ) -> schema.VersionDetail:
        """Nothing will promote the version or fall back to it."""
        found: schema.VersionDetail = self._transport.json(
            "POST", f"/api/versions/{id}/archive/", body=without_none({"reason": reason})
        )
        return found

    def artifact(
        self,
        id: int,
    ) -> bytes:
        """The artifact, verified against its SHA-256."""
        return self._transport.send("GET", f"/api/versions/{id}/artifact/").content

    def card(
        self,
        id: int,
    ) -> schema.Card:
        """The version's card: metrics, classes, mistakes, comparison and lineage."""
        found: schema.Card = self._transport.json("GET", f"/api/versions/{id}/card/")
        return found

    def card_markdown(
        self,
        id: int,
    ) -> str:
        """The card as Markdown, for a pull request or a wiki."""
        return self._transport.send("GET", f"/api/versions/{id}/card/markdown/").text

    def clear_load_failure(
        self,
        id: int,
        *,
        reason: str,
    ) -> schema.VersionDetail:
        """Checks that the version's artifact is back as it was put. Then the version may serve
        again.
        """
        found: schema.VersionDetail = self._transport.json(
            "POST", f"/api/versions/{id}/clear-load-failure/", body=without_none({"reason": reason})
        )
        return found

    def compare(
        self,
        id: int,
        *,
        with_: int,
    ) -> schema.Comparison:
        """This version (b) against another (a) of its project, on the tasks both were
        evaluated on.
        """
        found: schema.Comparison = self._transport.json(
            "GET", f"/api/versions/{id}/compare/", {"with": with_}
        )
        return found

    def dataset(
        self,
        id: int,
        *,
        as_: Literal["jsonl", "labelstudio"] | None = None,
    ) -> bytes:
        """The tasks and labels that it learned from, and its holdout."""
        return self._transport.send("GET", f"/api/versions/{id}/dataset/", {"as": as_}).content

    def exemplars(
        self,
        id: int,
        *,
        label: str | None = None,
        limit: int | None = None,
        target: str | None = None,
    ) -> builtins.list[schema.LabelExemplars]:
        """Examples of each label: the tasks with its highest scores."""
        found: builtins.list[schema.LabelExemplars] = self._transport.json(
            "GET",
            f"/api/versions/{id}/exemplars/",
            {"label": label, "limit": limit, "target": target},
        )
        return found

    def export(
        self,
        id: int,
    ) -> bytes:
        """A folder that predicts without this backend, as a zip: an MLflow model."""
        return self._transport.send("GET", f"/api/versions/{id}/export/").content

    def mistakes(
        self,
        id: int,
        *,
        limit: int | None = None,
        source: Literal["holdout", "prequential", "shown"] | None = None,
        target: str | None = None,
    ) -> builtins.list[schema.Mistake]:
        """Wrong predictions, the highest score first."""
        found: builtins.list[schema.Mistake] = self._transport.json(
            "GET",
            f"/api/versions/{id}/mistakes/",
            {"limit": limit, "source": source, "target": target},
        )
        return found

    def note(
        self,
        id: int,
        *,
        note: str,
    ) -> schema.VersionDetail:
        """What people should know of this version. The one before stays in its audit entry."""
        found: schema.VersionDetail = self._transport.json(
            "POST", f"/api/versions/{id}/note/", body=without_none({"note": note})
        )
        return found

    def promote(
        self,
        id: int,
        *,
        reason: str,
    ) -> schema.VersionDetail:
        """This version serves from now on, and Label Studio asks for its predictions."""
        found: schema.VersionDetail = self._transport.json(
            "POST", f"/api/versions/{id}/promote/", body=without_none({"reason": reason})
        )
        return found

    def unarchive(
        self,
        id: int,
        *,
        reason: str,
    ) -> schema.VersionDetail:
        """The version may be promoted again, and serve if a later champion does not load."""
        found: schema.VersionDetail = self._transport.json(
            "POST", f"/api/versions/{id}/unarchive/", body=without_none({"reason": reason})
        )
        return found


class WebhookDeliveries(Resource):
    """`/api/webhook-deliveries/`"""

    def list(
        self,
        *,
        ordering: Literal["id", "-id"] | None = None,
        page_size: int | None = None,
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
        return self._transport.pages(
            "/api/webhook-deliveries/",
            {
                "ordering": ordering,
                "page_size": page_size,
                "project": project,
                "state": state,
                "topic": topic,
                "webhook": webhook,
            },
        )

    def get(
        self,
        id: int,
    ) -> schema.WebhookDelivery:
        """Deliveries to webhooks, pending and ended ones; deleted after 30 days."""
        found: schema.WebhookDelivery = self._transport.json(
            "GET", f"/api/webhook-deliveries/{id}/"
        )
        return found


class Webhooks(Resource):
    """`/api/webhooks/`"""

    def list(
        self,
        *,
        disabled: bool | None = None,
        ordering: Literal["id", "-id", "name", "-name", "created_at", "-created_at"] | None = None,
        page_size: int | None = None,
        project: int | None = None,
        search: str | None = None,
    ) -> Iterator[schema.Webhook]:
        """The URLs to which notifications are sent."""
        return self._transport.pages(
            "/api/webhooks/",
            {
                "disabled": disabled,
                "ordering": ordering,
                "page_size": page_size,
                "project": project,
                "search": search,
            },
        )

    def create(
        self,
        *,
        name: str,
        url: str,
        topics: builtins.list[schema.TopicsEnum],
        reason: str | None = None,
        format: schema.FormatEnum | None = None,
        project: int | None = None,
    ) -> schema.WebhookWithSecret:
        """Create a webhook. Its secret is returned only in this response."""
        found: schema.WebhookWithSecret = self._transport.json(
            "POST",
            "/api/webhooks/",
            body=without_none(
                {
                    "name": name,
                    "url": url,
                    "topics": topics,
                    "reason": reason,
                    "format": format,
                    "project": project,
                }
            ),
        )
        return found

    def get(
        self,
        id: int,
    ) -> schema.Webhook:
        """The URLs to which notifications are sent."""
        found: schema.Webhook = self._transport.json("GET", f"/api/webhooks/{id}/")
        return found

    def disable(
        self,
        id: int,
        *,
        reason: str,
    ) -> schema.Webhook:
        """Nothing more is sent to it; what waits is given up."""
        found: schema.Webhook = self._transport.json(
            "POST", f"/api/webhooks/{id}/disable/", body=without_none({"reason": reason})
        )
        return found

    def enable(
        self,
        id: int,
        *,
        reason: str,
    ) -> schema.Webhook:
        """Notifications are sent to it again from now on."""
        found: schema.Webhook = self._transport.json(
            "POST", f"/api/webhooks/{id}/enable/", body=without_none({"reason": reason})
        )
        return found

    def new_secret(
        self,
        id: int,
        *,
        reason: str | None = None,
    ) -> schema.WebhookWithSecret:
        """Make another secret, returned only in this response; the one before signs for a day."""
        found: schema.WebhookWithSecret = self._transport.json(
            "POST", f"/api/webhooks/{id}/new-secret/", body=without_none({"reason": reason})
        )
        return found

    def test(
        self,
        id: int,
        *,
        reason: str | None = None,
    ) -> schema.Webhook:
        """Sends a test as everything else is sent. Its deliveries say how it went."""
        found: schema.Webhook = self._transport.json(
            "POST", f"/api/webhooks/{id}/test/", body=without_none({"reason": reason})
        )
        return found


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


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "access-keys",
        "list",
        "GET",
        "/api/access-keys/",
        "pages",
        "Access keys for Label Studio's routes; they are not valid under /api/.",
        (
            Parameter("hostname", "query", "string", False, (), ""),
            Parameter(
                "ordering",
                "query",
                "string",
                False,
                (
                    "id",
                    "-id",
                    "name",
                    "-name",
                    "created_at",
                    "-created_at",
                    "last_used_at",
                    "-last_used_at",
                ),
                "A field, descending with a minus. Rows without a value come last.",
            ),
            Parameter("page_size", "query", "integer", False, (), "Rows on a page."),
            Parameter("project", "query", "integer", False, (), ""),
            Parameter("revoked", "query", "boolean", False, (), ""),
            Parameter(
                "search",
                "query",
                "string",
                False,
                (),
                "Words, each of which must occur in one of: name, hostname.",
            ),
        ),
    ),
    Operation(
        "access-keys",
        "create",
        "POST",
        "/api/access-keys/",
        "value",
        "Create a key. Its plain text is returned only in this response.",
        (
            Parameter("reason", "body", "string", False, (), "Kept in the audit entry."),
            Parameter("name", "body", "string", True, (), ""),
            Parameter("project", "body", "integer", False, (), ""),
            Parameter(
                "hostname",
                "body",
                "string",
                False,
                (),
                "The address of that Label Studio in its requests, such as http://localhost:8080.",
            ),
        ),
    ),
    Operation(
        "access-keys",
        "get",
        "GET",
        "/api/access-keys/{id}/",
        "value",
        "Access keys for Label Studio's routes; they are not valid under /api/.",
        (Parameter("id", "path", "integer", True, (), ""),),
    ),
    Operation(
        "access-keys",
        "revoke",
        "POST",
        "/api/access-keys/{id}/revoke/",
        "value",
        "It opens nothing from now on: what uses it stops working.",
        (
            Parameter("id", "path", "integer", True, (), ""),
            Parameter(
                "reason",
                "body",
                "string",
                True,
                (),
                "Kept in the audit entry, for those who come after.",
            ),
        ),
    ),
    Operation(
        "audit-entries",
        "list",
        "GET",
        "/api/audit-entries/",
        "pages",
        "The audit entries, append-only.",
        (
            Parameter("actor", "query", "string", False, (), ""),
            Parameter("at_after", "query", "string", False, (), "At or after this time."),
            Parameter("at_before", "query", "string", False, (), "Before this time."),
            Parameter(
                "ordering",
                "query",
                "string",
                False,
                ("id", "-id"),
                "A field, descending with a minus. Rows without a value come last.",
            ),
            Parameter("page_size", "query", "integer", False, (), "Rows on a page."),
            Parameter("project", "query", "integer", False, (), ""),
            Parameter("run", "query", "integer", False, (), ""),
            Parameter(
                "search",
                "query",
                "string",
                False,
                (),
                "Words, each of which must occur in one of: reason, actor, verb.",
            ),
            Parameter("verb", "query", "string", False, (), ""),
            Parameter("version", "query", "integer", False, (), ""),
        ),
    ),
    Operation(
        "audit-entries",
        "get",
        "GET",
        "/api/audit-entries/{id}/",
        "value",
        "The audit entries, append-only.",
        (Parameter("id", "path", "integer", True, (), ""),),
    ),
    Operation(
        "events",
        "list",
        "GET",
        "/api/events/",
        "pages",
        "Events received from Label Studio, with their outcomes.",
        (
            Parameter("action", "query", "string", False, (), ""),
            Parameter(
                "ordering",
                "query",
                "string",
                False,
                ("id", "-id"),
                "A field, descending with a minus. Rows without a value come last.",
            ),
            Parameter("page_size", "query", "integer", False, (), "Rows on a page."),
            Parameter("project", "query", "integer", False, (), ""),
            Parameter("received_after", "query", "string", False, (), "At or after this time."),
            Parameter("received_before", "query", "string", False, (), "Before this time."),
            Parameter("request_id", "query", "string", False, (), ""),
            Parameter("run", "query", "integer", False, (), ""),
            Parameter(
                "search",
                "query",
                "string",
                False,
                (),
                "Words, each of which must occur in one of: action, outcome.",
            ),
            Parameter(
                "source",
                "query",
                "string",
                False,
                ("predict", "refused", "setup", "train", "webhook"),
                "",
            ),
            Parameter(
                "status",
                "query",
                "string",
                False,
                ("applied", "failed", "ignored", "queued_run", "received", "stale"),
                "",
            ),
        ),
    ),
    Operation(
        "events",
        "get",
        "GET",
        "/api/events/{id}/",
        "value",
        "Events received from Label Studio, with their outcomes.",
        (Parameter("id", "path", "integer", True, (), ""),),
    ),
    Operation(
        "metrics",
        "list",
        "GET",
        "/api/metrics/",
        "pages",
        "The metrics of versions; for a series over a project's versions see the project.",
        (
            Parameter("label", "query", "string", False, (), ""),
            Parameter("name", "query", "string", False, (), ""),
            Parameter(
                "ordering",
                "query",
                "string",
                False,
                ("id", "-id", "name", "-name", "step", "-step", "value", "-value", "n", "-n"),
                "A field, descending with a minus. Rows without a value come last.",
            ),
            Parameter("page_size", "query", "integer", False, (), "Rows on a page."),
            Parameter(
                "search",
                "query",
                "string",
                False,
                (),
                "Words, each of which must occur in one of: name, target, label.",
            ),
            Parameter("split", "query", "string", False, (), ""),
            Parameter("step", "query", "integer", False, (), ""),
            Parameter("target", "query", "string", False, (), ""),
            Parameter("version", "query", "integer", False, (), ""),
            Parameter("whole", "query", "boolean", False, (), ""),
        ),
    ),
    Operation(
        "metrics",
        "get",
        "GET",
        "/api/metrics/{id}/",
        "value",
        "The metrics of versions; for a series over a project's versions see the project.",
        (Parameter("id", "path", "integer", True, (), ""),),
    ),
    Operation(
        "outcomes",
        "list",
        "GET",
        "/api/outcomes/",
        "pages",
        "Predictions with the human label: of holdout tasks, and of tasks that were labelled later.",
        (
            Parameter("correct", "query", "boolean", False, (), ""),
            Parameter("human", "query", "string", False, (), "A human label."),
            Parameter(
                "ordering",
                "query",
                "string",
                False,
                ("id", "-id", "score", "-score", "at", "-at"),
                "A field, descending with a minus. Rows without a value come last.",
            ),
            Parameter("page_size", "query", "integer", False, (), "Rows on a page."),
            Parameter("predicted", "query", "string", False, (), "A predicted label."),
            Parameter("source", "query", "string", False, ("holdout", "prequential", "shown"), ""),
            Parameter("target", "query", "string", False, (), ""),
            Parameter("task", "query", "integer", False, (), ""),
            Parameter("version", "query", "integer", False, (), ""),
        ),
    ),
    Operation(
        "outcomes",
        "get",
        "GET",
        "/api/outcomes/{id}/",
        "value",
        "Predictions with the human label: of holdout tasks, and of tasks that were labelled later.",
        (Parameter("id", "path", "integer", True, (), ""),),
    ),
    Operation(
        "projects",
        "list",
        "GET",
        "/api/projects/",
        "pages",
        "The projects of Label Studio in the registry.",
        (
            Parameter("archived", "query", "boolean", False, (), ""),
            Parameter("created_after", "query", "string", False, (), "At or after this time."),
            Parameter("created_before", "query", "string", False, (), "Before this time."),
            Parameter("has_champion", "query", "boolean", False, (), ""),
            Parameter("hostname", "query", "string", False, (), ""),
            Parameter(
                "ordering",
                "query",
                "string",
                False,
                (
                    "id",
                    "-id",
                    "title",
                    "-title",
                    "created_at",
                    "-created_at",
                    "updated_at",
                    "-updated_at",
                ),
                "A field, descending with a minus. Rows without a value come last.",
            ),
            Parameter("page_size", "query", "integer", False, (), "Rows on a page."),
            Parameter(
                "pipeline", "query", "string", False, (), "The name of one of its pipelines."
            ),
            Parameter(
                "promotion_rule",
                "query",
                "string",
                False,
                ("always", "if_at_least_as_good", "if_clearly_better", "never"),
                "",
            ),
            Parameter(
                "search",
                "query",
                "string",
                False,
                (),
                "Words, each of which must occur in one of: title, uid, hostname.",
            ),
            Parameter("uid", "query", "string", False, (), ""),
        ),
    ),
    Operation(
        "projects",
        "get",
        "GET",
        "/api/projects/{id}/",
        "value",
        "The projects of Label Studio in the registry.",
        (Parameter("id", "path", "integer", True, (), ""),),
    ),
    Operation(
        "projects",
        "update",
        "PATCH",
        "/api/projects/{id}/",
        "value",
        "Change the project's policy, options and promotion rule.",
        (
            Parameter("id", "path", "integer", True, (), ""),
            Parameter("reason", "body", "string", False, (), "Kept in the audit entry."),
            Parameter(
                "policy",
                "body",
                "object",
                False,
                (),
                "When to train. The project lists all settings.",
            ),
            Parameter(
                "options",
                "body",
                "object",
                False,
                (),
                "Options of the project's pipelines; under `controls` by name those of controls.",
            ),
            Parameter(
                "promotion_rule",
                "body",
                "string",
                False,
                ("if_at_least_as_good", "if_clearly_better", "always", "never"),
                "",
            ),
        ),
    ),
    Operation(
        "projects",
        "archive",
        "POST",
        "/api/projects/{id}/archive/",
        "value",
        "Takes the project off the home page, until it is taken out of the archive.",
        (
            Parameter("id", "path", "integer", True, (), ""),
            Parameter(
                "reason",
                "body",
                "string",
                True,
                (),
                "Kept in the audit entry, for those who come after.",
            ),
        ),
    ),
    Operation(
        "projects",
        "label_next",
        "GET",
        "/api/projects/{id}/label-next/",
        "list",
        "Unlabelled tasks, those with the champion's smallest margins first, a share at random.",
        (
            Parameter("id", "path", "integer", True, (), ""),
            Parameter("limit", "query", "integer", False, (), ""),
            Parameter("offset", "query", "integer", False, (), ""),
        ),
    ),
    Operation(
        "projects",
        "label_next_tab",
        "POST",
        "/api/projects/{id}/label-next-tab/",
        "value",
        "Makes or refreshes a tab in Label Studio's Data Manager with the next tasks.",
        (
            Parameter("id", "path", "integer", True, (), ""),
            Parameter("reason", "body", "string", False, (), "Kept in the audit entry."),
        ),
    ),
    Operation(
        "projects",
        "metrics",
        "GET",
        "/api/projects/{id}/metrics/",
        "list",
        "One metric over the project's versions, oldest first, with its baseline.",
        (
            Parameter("id", "path", "integer", True, (), ""),
            Parameter(
                "name", "query", "string", False, (), "Such as macro_f1, accuracy, log_loss."
            ),
            Parameter(
                "target",
                "query",
                "string",
                False,
                (),
                "Omitted: the whole version, else the mean over its targets.",
            ),
        ),
    ),
    Operation(
        "projects",
        "prequential",
        "GET",
        "/api/projects/{id}/prequential/",
        "list",
        "Accuracy per day of the served versions, on labels made after their predictions.",
        (
            Parameter("days", "query", "integer", False, (), ""),
            Parameter("id", "path", "integer", True, (), ""),
        ),
    ),
    Operation(
        "projects",
        "rename_label",
        "POST",
        "/api/projects/{id}/rename-label/",
        "value",
        "Confirms that a label has another name in the label config: what annotations and versions say under the old one counts as the new one. Without it nothing changes.",
        (
            Parameter("id", "path", "integer", True, (), ""),
            Parameter("rename", "body", "string", True, (), "The label's old and new name."),
            Parameter("reason", "body", "string", False, (), "Kept in the audit entry."),
        ),
    ),
    Operation(
        "projects",
        "roll_back",
        "POST",
        "/api/projects/{id}/roll-back/",
        "value",
        "Makes the champion before the current one serve again.",
        (
            Parameter("id", "path", "integer", True, (), ""),
            Parameter(
                "reason",
                "body",
                "string",
                True,
                (),
                "Kept in the audit entry, for those who come after.",
            ),
            Parameter("to", "body", "integer", False, (), "Left out: the champion before."),
        ),
    ),
    Operation(
        "projects",
        "similar",
        "GET",
        "/api/projects/{id}/similar/",
        "list",
        "The tasks whose images are most similar to a task's, highest cosine first.",
        (
            Parameter("id", "path", "integer", True, (), ""),
            Parameter("k", "query", "integer", False, (), ""),
            Parameter("task", "query", "integer", True, (), ""),
        ),
    ),
    Operation(
        "projects",
        "unarchive",
        "POST",
        "/api/projects/{id}/unarchive/",
        "value",
        "Shows the project again, and reads from Label Studio what it has missed.",
        (
            Parameter("id", "path", "integer", True, (), ""),
            Parameter(
                "reason",
                "body",
                "string",
                True,
                (),
                "Kept in the audit entry, for those who come after.",
            ),
        ),
    ),
    Operation(
        "projects",
        "undo_rename",
        "POST",
        "/api/projects/{id}/undo-rename/",
        "value",
        "The old label counts as itself again, and the champion predicts it as it did.",
        (
            Parameter("id", "path", "integer", True, (), ""),
            Parameter("rename", "body", "string", True, (), "The label's old and new name."),
            Parameter("reason", "body", "string", False, (), "Kept in the audit entry."),
        ),
    ),
    Operation(
        "runs",
        "list",
        "GET",
        "/api/runs/",
        "pages",
        "Training runs. A project has at most one active run of each kind.",
        (
            Parameter("created_after", "query", "string", False, (), "At or after this time."),
            Parameter("created_before", "query", "string", False, (), "Before this time."),
            Parameter("error_code", "query", "string", False, (), ""),
            Parameter("has_version", "query", "boolean", False, (), ""),
            Parameter("kind", "query", "string", False, ("challenger", "training"), ""),
            Parameter(
                "ordering",
                "query",
                "string",
                False,
                (
                    "id",
                    "-id",
                    "created_at",
                    "-created_at",
                    "started_at",
                    "-started_at",
                    "ended_at",
                    "-ended_at",
                ),
                "A field, descending with a minus. Rows without a value come last.",
            ),
            Parameter("page_size", "query", "integer", False, (), "Rows on a page."),
            Parameter("project", "query", "integer", False, (), ""),
            Parameter(
                "search",
                "query",
                "string",
                False,
                (),
                "Words, each of which must occur in one of: error, error_code.",
            ),
            Parameter(
                "state",
                "query",
                "array",
                False,
                ("cancelled", "failed", "queued", "running", "succeeded"),
                "",
            ),
            Parameter(
                "trigger",
                "query",
                "string",
                False,
                (
                    "admin",
                    "api",
                    "challenger",
                    "command",
                    "config",
                    "format",
                    "policy",
                    "retry",
                    "start_training",
                    "train_route",
                ),
                "",
            ),
        ),
    ),
    Operation(
        "runs",
        "create",
        "POST",
        "/api/runs/",
        "value",
        "Queue a run (201), or return the project's active training (200).",
        (
            Parameter("reason", "body", "string", False, (), "Kept in the audit entry."),
            Parameter("project", "body", "integer", True, (), ""),
        ),
    ),
    Operation(
        "runs",
        "get",
        "GET",
        "/api/runs/{id}/",
        "value",
        "Training runs. A project has at most one active run of each kind.",
        (Parameter("id", "path", "integer", True, (), ""),),
    ),
    Operation(
        "runs",
        "cancel",
        "POST",
        "/api/runs/{id}/cancel/",
        "value",
        "A queued run ends at once, a running one within two seconds.",
        (
            Parameter("id", "path", "integer", True, (), ""),
            Parameter("reason", "body", "string", False, (), "Kept in the audit entry."),
        ),
    ),
    Operation(
        "runs",
        "retry",
        "POST",
        "/api/runs/{id}/retry/",
        "value",
        "Queues a run that failed or was cancelled again, with its parameters, on today's labels. A run that is active goes on instead.",
        (
            Parameter("id", "path", "integer", True, (), ""),
            Parameter("reason", "body", "string", False, (), "Kept in the audit entry."),
        ),
    ),
    Operation(
        "tasks",
        "list",
        "GET",
        "/api/tasks/",
        "pages",
        "The mirrored tasks of Label Studio's projects.",
        (
            Parameter("deleted", "query", "boolean", False, (), ""),
            Parameter("labelled", "query", "boolean", False, (), "Whether it has a usable label."),
            Parameter(
                "labels_changed_after", "query", "string", False, (), "At or after this time."
            ),
            Parameter("labels_changed_before", "query", "string", False, (), "Before this time."),
            Parameter("labelstudio_id", "query", "integer", False, (), ""),
            Parameter(
                "ordering",
                "query",
                "string",
                False,
                (
                    "id",
                    "-id",
                    "labelstudio_id",
                    "-labelstudio_id",
                    "labels_changed_at",
                    "-labels_changed_at",
                ),
                "A field, descending with a minus. Rows without a value come last.",
            ),
            Parameter("page_size", "query", "integer", False, (), "Rows on a page."),
            Parameter("project", "query", "integer", False, (), ""),
            Parameter("split", "query", "string", False, ("holdout", "train"), ""),
        ),
    ),
    Operation(
        "tasks",
        "get",
        "GET",
        "/api/tasks/{id}/",
        "value",
        "The mirrored tasks of Label Studio's projects.",
        (Parameter("id", "path", "integer", True, (), ""),),
    ),
    Operation(
        "tasks",
        "thumbnail",
        "GET",
        "/api/tasks/{id}/thumbnail/",
        "file",
        "The task's image as a small JPEG.",
        (
            Parameter("id", "path", "integer", True, (), ""),
            Parameter(
                "size",
                "query",
                "string",
                False,
                ("large", "small"),
                "160 or 480 pixels on the longer side.",
            ),
        ),
    ),
    Operation(
        "versions",
        "list",
        "GET",
        "/api/versions/",
        "pages",
        "The projects' model versions: immutable, and never deleted.",
        (
            Parameter("archived", "query", "boolean", False, (), ""),
            Parameter("champion", "query", "boolean", False, (), "Whether it is the champion."),
            Parameter("created_after", "query", "string", False, (), "At or after this time."),
            Parameter("created_before", "query", "string", False, (), "Before this time."),
            Parameter("label", "query", "string", False, (), ""),
            Parameter("load_failed", "query", "boolean", False, (), ""),
            Parameter("number", "query", "integer", False, (), ""),
            Parameter(
                "ordering",
                "query",
                "string",
                False,
                (
                    "id",
                    "-id",
                    "number",
                    "-number",
                    "created_at",
                    "-created_at",
                    "artifact_bytes",
                    "-artifact_bytes",
                ),
                "A field, descending with a minus. Rows without a value come last.",
            ),
            Parameter("page_size", "query", "integer", False, (), "Rows on a page."),
            Parameter(
                "pipeline", "query", "string", False, (), "The name of one of its pipelines."
            ),
            Parameter("project", "query", "integer", False, (), ""),
            Parameter("recipe", "query", "string", False, (), ""),
            Parameter("run", "query", "integer", False, (), ""),
            Parameter(
                "search",
                "query",
                "string",
                False,
                (),
                "Words, each of which must occur in one of: label, note.",
            ),
        ),
    ),
    Operation(
        "versions",
        "get",
        "GET",
        "/api/versions/{id}/",
        "value",
        "The projects' model versions: immutable, and never deleted.",
        (Parameter("id", "path", "integer", True, (), ""),),
    ),
    Operation(
        "versions",
        "archive",
        "POST",
        "/api/versions/{id}/archive/",
        "value",
        "Nothing will promote the version or fall back to it.",
        (
            Parameter("id", "path", "integer", True, (), ""),
            Parameter(
                "reason",
                "body",
                "string",
                True,
                (),
                "Kept in the audit entry, for those who come after.",
            ),
        ),
    ),
    Operation(
        "versions",
        "artifact",
        "GET",
        "/api/versions/{id}/artifact/",
        "file",
        "The artifact, verified against its SHA-256.",
        (Parameter("id", "path", "integer", True, (), ""),),
    ),
    Operation(
        "versions",
        "card",
        "GET",
        "/api/versions/{id}/card/",
        "value",
        "The version's card: metrics, classes, mistakes, comparison and lineage.",
        (Parameter("id", "path", "integer", True, (), ""),),
    ),
    Operation(
        "versions",
        "card_markdown",
        "GET",
        "/api/versions/{id}/card/markdown/",
        "text",
        "The card as Markdown, for a pull request or a wiki.",
        (Parameter("id", "path", "integer", True, (), ""),),
    ),
    Operation(
        "versions",
        "clear_load_failure",
        "POST",
        "/api/versions/{id}/clear-load-failure/",
        "value",
        "Checks that the version's artifact is back as it was put. Then the version may serve again.",
        (
            Parameter("id", "path", "integer", True, (), ""),
            Parameter(
                "reason",
                "body",
                "string",
                True,
                (),
                "Kept in the audit entry, for those who come after.",
            ),
        ),
    ),
    Operation(
        "versions",
        "compare",
        "GET",
        "/api/versions/{id}/compare/",
        "value",
        "This version (b) against another (a) of its project, on the tasks both were evaluated on.",
        (
            Parameter("id", "path", "integer", True, (), ""),
            Parameter("with", "query", "integer", True, (), ""),
        ),
    ),
    Operation(
        "versions",
        "dataset",
        "GET",
        "/api/versions/{id}/dataset/",
        "file",
        "The tasks and labels that it learned from, and its holdout.",
        (
            Parameter("as", "query", "string", False, ("jsonl", "labelstudio"), ""),
            Parameter("id", "path", "integer", True, (), ""),
        ),
    ),
    Operation(
        "versions",
        "exemplars",
        "GET",
        "/api/versions/{id}/exemplars/",
        "list",
        "Examples of each label: the tasks with its highest scores.",
        (
            Parameter("id", "path", "integer", True, (), ""),
            Parameter("label", "query", "string", False, (), "Omitted: all."),
            Parameter("limit", "query", "integer", False, (), ""),
            Parameter("target", "query", "string", False, (), "Omitted: all."),
        ),
    ),
    Operation(
        "versions",
        "export",
        "GET",
        "/api/versions/{id}/export/",
        "file",
        "A folder that predicts without this backend, as a zip: an MLflow model.",
        (Parameter("id", "path", "integer", True, (), ""),),
    ),
    Operation(
        "versions",
        "mistakes",
        "GET",
        "/api/versions/{id}/mistakes/",
        "list",
        "Wrong predictions, the highest score first.",
        (
            Parameter("id", "path", "integer", True, (), ""),
            Parameter("limit", "query", "integer", False, (), ""),
            Parameter("source", "query", "string", False, ("holdout", "prequential", "shown"), ""),
            Parameter("target", "query", "string", False, (), "Omitted: all."),
        ),
    ),
    Operation(
        "versions",
        "note",
        "POST",
        "/api/versions/{id}/note/",
        "value",
        "What people should know of this version. The one before stays in its audit entry.",
        (
            Parameter("id", "path", "integer", True, (), ""),
            Parameter("note", "body", "string", True, (), ""),
        ),
    ),
    Operation(
        "versions",
        "promote",
        "POST",
        "/api/versions/{id}/promote/",
        "value",
        "This version serves from now on, and Label Studio asks for its predictions.",
        (
            Parameter("id", "path", "integer", True, (), ""),
            Parameter(
                "reason",
                "body",
                "string",
                True,
                (),
                "Kept in the audit entry, for those who come after.",
            ),
        ),
    ),
    Operation(
        "versions",
        "unarchive",
        "POST",
        "/api/versions/{id}/unarchive/",
        "value",
        "The version may be promoted again, and serve if a later champion does not load.",
        (
            Parameter("id", "path", "integer", True, (), ""),
            Parameter(
                "reason",
                "body",
                "string",
                True,
                (),
                "Kept in the audit entry, for those who come after.",
            ),
        ),
    ),
    Operation(
        "webhook-deliveries",
        "list",
        "GET",
        "/api/webhook-deliveries/",
        "pages",
        "Deliveries to webhooks, pending and ended ones; deleted after 30 days.",
        (
            Parameter(
                "ordering",
                "query",
                "string",
                False,
                ("id", "-id"),
                "A field, descending with a minus. Rows without a value come last.",
            ),
            Parameter("page_size", "query", "integer", False, (), "Rows on a page."),
            Parameter("project", "query", "integer", False, (), ""),
            Parameter("state", "query", "string", False, ("delivered", "failed", "pending"), ""),
            Parameter(
                "topic",
                "query",
                "string",
                False,
                (
                    "connection_lost",
                    "fell_back",
                    "metric_dropped",
                    "run_failed",
                    "test",
                    "version_promoted",
                    "worker_silent",
                ),
                "",
            ),
            Parameter("webhook", "query", "integer", False, (), ""),
        ),
    ),
    Operation(
        "webhook-deliveries",
        "get",
        "GET",
        "/api/webhook-deliveries/{id}/",
        "value",
        "Deliveries to webhooks, pending and ended ones; deleted after 30 days.",
        (Parameter("id", "path", "integer", True, (), ""),),
    ),
    Operation(
        "webhooks",
        "list",
        "GET",
        "/api/webhooks/",
        "pages",
        "The URLs to which notifications are sent.",
        (
            Parameter("disabled", "query", "boolean", False, (), ""),
            Parameter(
                "ordering",
                "query",
                "string",
                False,
                ("id", "-id", "name", "-name", "created_at", "-created_at"),
                "A field, descending with a minus. Rows without a value come last.",
            ),
            Parameter("page_size", "query", "integer", False, (), "Rows on a page."),
            Parameter("project", "query", "integer", False, (), ""),
            Parameter(
                "search",
                "query",
                "string",
                False,
                (),
                "Words, each of which must occur in one of: name, host.",
            ),
        ),
    ),
    Operation(
        "webhooks",
        "create",
        "POST",
        "/api/webhooks/",
        "value",
        "Create a webhook. Its secret is returned only in this response.",
        (
            Parameter("reason", "body", "string", False, (), "Kept in the audit entry."),
            Parameter("name", "body", "string", True, (), ""),
            Parameter(
                "url",
                "body",
                "string",
                True,
                (),
                "https on the internet; other hosts where WEBHOOK_ALLOWED_HOSTS lists them.",
            ),
            Parameter(
                "topics",
                "body",
                "array",
                True,
                (
                    "run_failed",
                    "version_promoted",
                    "fell_back",
                    "metric_dropped",
                    "connection_lost",
                    "worker_silent",
                ),
                "",
            ),
            Parameter("format", "body", "string", False, ("json", "slack", "teams"), ""),
            Parameter("project", "body", "integer", False, (), ""),
        ),
    ),
    Operation(
        "webhooks",
        "get",
        "GET",
        "/api/webhooks/{id}/",
        "value",
        "The URLs to which notifications are sent.",
        (Parameter("id", "path", "integer", True, (), ""),),
    ),
    Operation(
        "webhooks",
        "disable",
        "POST",
        "/api/webhooks/{id}/disable/",
        "value",
        "Nothing more is sent to it; what waits is given up.",
        (
            Parameter("id", "path", "integer", True, (), ""),
            Parameter(
                "reason",
                "body",
                "string",
                True,
                (),
                "Kept in the audit entry, for those who come after.",
            ),
        ),
    ),
    Operation(
        "webhooks",
        "enable",
        "POST",
        "/api/webhooks/{id}/enable/",
        "value",
        "Notifications are sent to it again from now on.",
        (
            Parameter("id", "path", "integer", True, (), ""),
            Parameter(
                "reason",
                "body",
                "string",
                True,
                (),
                "Kept in the audit entry, for those who come after.",
            ),
        ),
    ),
    Operation(
        "webhooks",
        "new_secret",
        "POST",
        "/api/webhooks/{id}/new-secret/",
        "value",
        "Make another secret, returned only in this response; the one before signs for a day.",
        (
            Parameter("id", "path", "integer", True, (), ""),
            Parameter("reason", "body", "string", False, (), "Kept in the audit entry."),
        ),
    ),
    Operation(
        "webhooks",
        "test",
        "POST",
        "/api/webhooks/{id}/test/",
        "value",
        "Sends a test as everything else is sent. Its deliveries say how it went.",
        (
            Parameter("id", "path", "integer", True, (), ""),
            Parameter("reason", "body", "string", False, (), "Kept in the audit entry."),
        ),
    ),
)

"""Projects in the admin: what they are, how they learn, how Label Studio is reached."""

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from unfold.decorators import display
from unfold.enums import ActionVariant
from unfold.forms import BaseDialogForm

from registry.acts import champion, project_settings, runs
from registry.engine import engine
from registry.errors import EvalsError
from registry.models import Act, Event, ModelVersion, Project, Task, TrainingRun
from registry.permissions import allowed

from .base import (
    OptionalReasonForm,
    RegistryAdmin,
    act,
    as_json,
    as_text,
    link,
    list_link,
)
from .project_forms import CredentialsForm, HostnameForm, ProjectForm


@admin.register(Project)
class ProjectAdmin(RegistryAdmin):
    """One Label Studio project."""

    form = ProjectForm
    list_display = ["title_or_uid", "served_by", "champion_link", "promotion_rule", "connected"]
    list_filter = ["pipeline", "promotion_rule"]
    list_select_related = ["champion"]
    search_fields = ["title", "uid", "hostname"]
    autocomplete_fields: list[str] = []
    actions_detail = [
        "train_now",
        "check_connection",
        "roll_back",
        {"title": "Label Studio", "items": ["set_credentials", "confirm_hostname"]},
    ]
    fieldsets = [
        (None, {"fields": ["title", "uid", "champion_link", "served_by", "history"]}),
        ("How it learns", {"fields": ["policy", "options", "promotion_rule", "reason"]}),
        (
            "Label Studio",
            {
                "fields": [
                    "connection_report",
                    "connection_checked_at",
                    "credentials",
                    "hostname",
                    "other_hostname",
                    "hostname_confirmed",
                    "backend_url",
                    "extra_params",
                ]
            },
        ),
        (
            "Mirror",
            {
                "classes": ["collapse"],
                "fields": ["synced_at", "seen_updated_at", "labels_changed_at", "created_at"],
            },
        ),
        ("Label config", {"classes": ["collapse"], "fields": ["config", "fingerprint"]}),
    ]
    _editable = {"policy", "options", "promotion_rule", "reason"}

    def has_change_permission(self, request: HttpRequest, obj: Project | None = None) -> bool:
        return allowed(request.user, "configure")

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("champion")

    def get_readonly_fields(self, request: HttpRequest, obj: Project | None = None) -> list[str]:
        fields = [f for _, options in self.fieldsets for f in options["fields"]]
        if self.has_change_permission(request, obj):
            return [f for f in fields if f not in self._editable]
        return [f for f in fields if f != "reason"]

    def get_fieldsets(self, request: HttpRequest, obj: Project | None = None) -> Any:
        if self.has_change_permission(request, obj):
            return self.fieldsets
        return [
            (name, {**options, "fields": [f for f in options["fields"] if f != "reason"]})
            for name, options in self.fieldsets
        ]

    def save_model(self, request: HttpRequest, obj: Project, form: Any, change: bool) -> None:
        given = form.cleaned_data
        try:
            project_settings.configure(
                obj,
                policy=given["policy"],
                options=given["options"],
                promotion_rule=given["promotion_rule"],
                actor=request.user.get_username(),
                reason=given["reason"],
            )
        except EvalsError as error:
            messages.error(request, f"{error.message} {error.hint}".strip())

    @act(
        "Train now",
        name="train",
        description="Queues a run, whatever the policy says. A run that is active goes on instead.",
        form=OptionalReasonForm,
        variant=ActionVariant.PRIMARY,
        icon="model_training",
    )
    def train_now(self, request: HttpRequest, project: Project, given: dict[str, Any]) -> str:
        run, created = runs.start(
            project,
            trigger=TrainingRun.Trigger.ADMIN,
            actor=request.user.get_username(),
            reason=given["reason"],
        )
        return f"Run {run.pk} is queued." if created else f"Run {run.pk} is {run.state} already."

    @act(
        "Roll back",
        name="roll_back",
        description="Makes the champion before the current one serve again.",
        variant=ActionVariant.WARNING,
        icon="undo",
    )
    def roll_back(self, request: HttpRequest, project: Project, given: dict[str, Any]) -> str:
        done = champion.roll_back(
            project, actor=request.user.get_username(), reason=given["reason"]
        )
        return f"{done.to_version} serves again."

    @act(
        "Check connection",
        name="check_connection",
        description="Tries each step to Label Studio and back, and names the one that fails.",
        form=BaseDialogForm,
        icon="cable",
    )
    def check_connection(
        self, request: HttpRequest, project: Project, given: dict[str, Any]
    ) -> str:
        report = engine().check_connection(project)
        if report.get("ok"):
            return "Label Studio can be reached, and its events arrive here."
        raise _ConnectionFailed(*_failure(report))

    @act(
        "Set credentials",
        name="set_credentials",
        description="With what this project's Label Studio is called. The key is encrypted.",
        form=CredentialsForm,
        icon="key",
    )
    def set_credentials(self, request: HttpRequest, project: Project, given: dict[str, Any]) -> str:
        project_settings.set_credentials(
            project, given["url"], given["key"], actor=request.user.get_username()
        )
        return "The credentials are set." if given["url"] else "The credentials are taken away."

    @act(
        "Confirm host name",
        name="confirm_hostname",
        description="Vouches for a Label Studio that says this project is its own.",
        form=HostnameForm,
        icon="verified",
    )
    def confirm_hostname(
        self, request: HttpRequest, project: Project, given: dict[str, Any]
    ) -> str:
        project_settings.confirm_hostname(
            project,
            actor=request.user.get_username(),
            reason=given["reason"],
            hostname=given["hostname"],
        )
        return f"{given['hostname']} is confirmed."

    @display(description="Project", ordering="title")
    def title_or_uid(self, project: Project) -> str:
        return project.title or project.uid

    @display(description="Served by", ordering="pipeline")
    def served_by(self, project: Project) -> str:
        return project.pipeline or f"none: {project.unserved_reason or 'no label config yet'}"

    @display(description="Champion", ordering="champion__number")
    def champion_link(self, project: Project) -> str:
        return link(project.champion)

    @display(description="Label Studio", label={"reached": "success", "not reached": "danger"})
    def connected(self, project: Project) -> str:
        if not project.connection:
            return "not checked"
        return "reached" if project.connection.get("ok") else "not reached"

    @display(description="Last check")
    def connection_report(self, project: Project) -> str:
        steps = project.connection.get("steps") or []
        if not steps:
            return "Not checked yet."
        rows = [
            (
                "✓" if step.get("ok") else "✗",
                step.get("step", ""),
                step.get("detail") or "",
                step.get("cure") or "",
            )
            for step in steps
        ]
        return format_html(
            "<ul>{}</ul>", format_html_join("", "<li>{} <b>{}</b> {} <i>{}</i></li>", rows)
        )

    @display(description="Credentials")
    def credentials(self, project: Project) -> str:
        if project.labelstudio_url:
            return f"its own, for {project.labelstudio_url}"
        return "none of its own: those of the environment, or of its setup"

    @display(description="History")
    def history(self, project: Project) -> str:
        lists = [
            (ModelVersion, "Versions"),
            (TrainingRun, "Runs"),
            (Task, "Tasks"),
            (Event, "Events"),
            (Act, "Acts"),
        ]
        links = ((list_link(m, text, project__id__exact=project.pk),) for m, text in lists)
        return format_html_join(" · ", "{}", links)

    @display(description="Label config")
    def config(self, project: Project) -> str:
        return as_text(project.label_config)

    @display(description="Extra parameters")
    def extra_params(self, project: Project) -> str:
        return as_json(project.extra_params)


class _ConnectionFailed(EvalsError):
    """Shown like any refusal: the step that failed, and its cure."""

    code = "connection_failed"


def _failure(report: dict[str, Any]) -> list[str]:
    failed = next((s for s in report.get("steps", []) if not s.get("ok")), {})
    step = report.get("failed") or failed.get("step") or "connection"
    return [f"{step}: {failed.get('detail') or 'failed'} {failed.get('cure') or ''}".strip()]

"""What can be done to a project in the admin: train, roll back, check and set the connection."""

from typing import Any

from django.http import HttpRequest
from unfold.enums import ActionVariant
from unfold.forms import BaseDialogForm

from registry.acts import champion, project_settings, runs
from registry.engine import engine
from registry.errors import EvalsError
from registry.models import Project, TrainingRun

from .base import OptionalReasonForm, RegistryAdmin, act
from .project_forms import CredentialsForm, HostnameForm


class ProjectActs(RegistryAdmin):
    """The buttons of a project's page."""

    actions_detail = [
        "train_now",
        "check_connection",
        "roll_back",
        {"title": "Label Studio", "items": ["set_credentials", "confirm_hostname"]},
    ]

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


class _ConnectionFailed(EvalsError):
    """Shown like any refusal: the step that failed, and its cure."""

    code = "connection_failed"


def _failure(report: dict[str, Any]) -> list[str]:
    failed = next((s for s in report.get("steps", []) if not s.get("ok")), {})
    step = report.get("failed") or failed.get("step") or "connection"
    return [f"{step}: {failed.get('detail') or 'failed'} {failed.get('cure') or ''}".strip()]

"""Confirm the host name: a Label Studio that says that the project is its own is vouched for."""

from typing import Any

from registry.actions import project_settings
from registry.errors import EvalsError, Refused
from registry.models import Project

from .action import REASON, Action, Button, Caller, Change, Form, Result, Text, register


def _claimed_by(project: Project) -> list[str]:
    return [host for host in (project.hostname, project.other_hostname) if host]


@register
class ConfirmHostname(Action[Project]):
    """The token that a host sent with its setup may be sent back to it."""

    name = "confirm_hostname"
    title = "Confirm host name"
    description = "Vouches for a Label Studio that says this project is its own."
    permission = "registry.connect_project"
    subject = Project
    form = Form(
        "Hostname",
        "Which host, and why.",
        (
            Text(
                "hostname",
                "The token that this host sent with its setup may then be sent back to it.",
                choices=_claimed_by,
            ),
            *REASON.parameters,
        ),
    )
    button = Button(icon="verified", group="Label Studio", place=120)

    def unavailable(self, subject: Project) -> EvalsError | None:
        if not _claimed_by(subject):
            return project_settings.HostnameUnknown(f"No setup of {subject} has come from a host.")
        if subject.hostname_confirmed and not subject.other_hostname:
            return Refused(f"{subject.hostname} is confirmed already.")
        return None

    def changes(self, subject: Project) -> list[Change]:
        trusted = "confirmed" if subject.hostname_confirmed else "not confirmed"
        now = f"{subject.hostname}, {trusted}" if subject.hostname else "none"
        return [Change("Host", now, "the one below, confirmed")]

    def execute(self, subject: Project, values: dict[str, Any], caller: Caller) -> Result:
        entry = project_settings.confirm_hostname(
            subject, actor=caller.name, reason=values["reason"], hostname=values["hostname"]
        )
        return Result(f"{values['hostname']} is confirmed.", entry)

"""Unarchive project: it is on the home page again, and is read from Label Studio."""

from typing import Any

from registry.actions import base, projects
from registry.errors import EvalsError
from registry.models import Project

from .action import Action, Button, Caller, Change, Result, register


@register
class UnarchiveProject(Action[Project]):
    """The project is out of the archive."""

    name = "unarchive_project"
    path = "unarchive"
    title = "Unarchive project"
    description = "Shows the project again, and reads from Label Studio what it has missed."
    permission = "registry.archive_project"
    subject = Project
    button = Button(icon="unarchive", group="More", place=135)

    def unavailable(self, subject: Project) -> EvalsError | None:
        if subject.archived_at is None:
            return base.StateUnchanged(f"{subject} is not archived.")
        return None

    def changes(self, subject: Project) -> list[Change]:
        return [Change("State of the project", "archived", "active")]

    def execute(self, subject: Project, values: dict[str, Any], caller: Caller) -> Result:
        entry = projects.unarchive(subject, actor=caller.name, reason=values["reason"])
        return Result(f"{subject} is out of the archive.", entry)

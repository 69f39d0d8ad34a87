"""Archive project: it is off the home page, and neither trains by itself nor is it read."""

from typing import Any

from registry.actions import base, projects
from registry.errors import EvalsError
from registry.models import Project

from .action import Action, Button, Caller, Change, Result, register


@register
class ArchiveProject(Action[Project]):
    """The project is in the archive, and can be taken out again."""

    name = "archive_project"
    path = "archive"
    title = "Archive project"
    description = "Takes the project off the home page, until it is taken out of the archive."
    permission = "registry.archive_project"
    subject = Project
    button = Button(icon="archive", group="More", place=130)

    def unavailable(self, subject: Project) -> EvalsError | None:
        if subject.archived_at:
            return base.StateUnchanged(f"{subject} is archived already.")
        return None

    def changes(self, subject: Project) -> list[Change]:
        return [Change("State of the project", "active", "archived")]

    def warning(self, subject: Project) -> str:
        return (
            "Nothing is deleted, and Label Studio is answered as before. It does not train by "
            "itself, is not read from Label Studio, and no alert is about it."
        )

    def execute(self, subject: Project, values: dict[str, Any], caller: Caller) -> Result:
        entry = projects.archive(subject, actor=caller.name, reason=values["reason"])
        return Result(f"{subject} is archived.", entry)

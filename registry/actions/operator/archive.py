"""Archive: nothing promotes a version or falls back to it."""

from typing import Any

from registry.actions import base, versions
from registry.errors import EvalsError
from registry.models import ModelVersion

from .action import Action, Button, Caller, Change, Result, register


@register
class Archive(Action[ModelVersion]):
    """The version cannot serve until it is out of the archive again."""

    name = "archive"
    title = "Archive"
    description = "Nothing will promote the version or fall back to it."
    permission = "registry.archive_modelversion"
    subject = ModelVersion
    button = Button(icon="archive", place=40)

    def unavailable(self, subject: ModelVersion) -> EvalsError | None:
        if subject.project.champion_id == subject.pk:
            return versions.ChampionNotArchivable(f"{subject.label} is the champion.")
        if subject.archived_at:
            return base.StateUnchanged(f"{subject.label} is archived already.")
        return None

    def changes(self, subject: ModelVersion) -> list[Change]:
        return [Change(f"State of {subject.label}", "available", "archived")]

    def warning(self, subject: ModelVersion) -> str:
        return "It is not deleted: its numbers, its audit entries and its artifact stay."

    def execute(self, subject: ModelVersion, values: dict[str, Any], caller: Caller) -> Result:
        entry = versions.archive(subject, actor=caller.name, reason=values["reason"])
        return Result(f"{subject.label} is archived.", entry)

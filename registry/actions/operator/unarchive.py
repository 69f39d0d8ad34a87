"""Unarchive: a version may be promoted again, and fallen back to."""

from typing import Any

from registry.actions import base, versions
from registry.errors import EvalsError
from registry.models import ModelVersion

from .action import Action, Button, Caller, Change, Result, register


@register
class Unarchive(Action[ModelVersion]):
    """The version is out of the archive."""

    name = "unarchive"
    title = "Unarchive"
    description = "The version may be promoted again, and serve if a later champion does not load."
    permission = "registry.archive_modelversion"
    subject = ModelVersion
    button = Button(icon="unarchive", place=50)

    def unavailable(self, subject: ModelVersion) -> EvalsError | None:
        if subject.archived_at is None:
            return base.StateUnchanged(f"{subject.label} is not archived.")
        return None

    def changes(self, subject: ModelVersion) -> list[Change]:
        return [Change(f"State of {subject.label}", "archived", "available")]

    def execute(self, subject: ModelVersion, values: dict[str, Any], caller: Caller) -> Result:
        entry = versions.unarchive(subject, actor=caller.name, reason=values["reason"])
        return Result(f"{subject.label} is out of the archive.", entry)

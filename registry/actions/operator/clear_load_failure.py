"""Clear a failed load: a version that did not load may serve again."""

from typing import Any

from registry.actions import base, versions
from registry.errors import EvalsError
from registry.models import ModelVersion

from .action import Action, Button, Caller, Change, Result, register


@register
class ClearLoadFailure(Action[ModelVersion]):
    """The version may serve again, once its artifact is back as it was put."""

    name = "clear_load_failure"
    title = "Clear the failed load"
    description = (
        "Checks that the version's artifact is back as it was put. "
        "Then the version may serve again."
    )
    permission = "registry.promote_modelversion"
    subject = ModelVersion
    button = Button(icon="healing", place=60)

    def unavailable(self, subject: ModelVersion) -> EvalsError | None:
        if subject.load_failed_at is None:
            return base.StateUnchanged(f"{subject.label} has no failed load.")
        return None

    def changes(self, subject: ModelVersion) -> list[Change]:
        return [Change(f"State of {subject.label}", "did not load", "available")]

    def execute(self, subject: ModelVersion, values: dict[str, Any], caller: Caller) -> Result:
        entry = versions.clear_load_failure(subject, actor=caller.name, reason=values["reason"])
        return Result(f"{subject.label} may serve again.", entry)

"""Roll back: an earlier champion serves again."""

from typing import Any, Generic, TypeVar

from registry.actions import champion
from registry.errors import EvalsError, Refused
from registry.models import ModelVersion, Project

from .action import REASON, Action, Button, Caller, Change, Form, Result, Version, register
from .promote import champion_moves

Row = TypeVar("Row", Project, ModelVersion)


class _RollBack(Action[Row], Generic[Row]):
    """The champion before the current one serves again; repeated, it goes further back."""

    name = "roll_back"
    title = "Roll back"
    description = "Makes the champion before the current one serve again."
    permission = "registry.roll_back_project"
    button = Button(icon="undo", variant="warning", place=20)
    in_commands = False  # `manage.py rollback` is a command of its own

    def project(self, subject: Row) -> Project:
        raise NotImplementedError

    def unavailable(self, subject: Row) -> EvalsError | None:
        project = self.project(subject)
        if champion.previous_champion(project) is None:
            return champion.NothingToRollBackTo(
                f"{project} has no earlier champion that could serve."
            )
        return None

    def changes(self, subject: Row) -> list[Change]:
        project = self.project(subject)
        goal = champion.previous_champion(project)
        return champion_moves(project.champion, goal) if goal else []

    def precondition(self, subject: Row) -> str:
        """The champion that is taken back: from another one it would go further back."""
        return champion.champion_name(self.project(subject))

    def execute(self, subject: Row, values: dict[str, Any], caller: Caller) -> Result:
        entry = champion.roll_back(
            self.project(subject),
            actor=caller.name,
            reason=values["reason"],
            to=values.get("to"),
            expected_champion=values.get("precondition", ""),
        )
        before = f" instead of {entry.from_version}" if entry.from_version else ""
        return Result(f"{entry.to_version} serves again{before}.", entry)


@register
class RollBack(_RollBack[Project]):
    """From the project's page, REST and the command line."""

    subject = Project
    form = Form(
        "RollBack",
        "Why, and to which version if not to the champion before.",
        (*REASON.parameters, Version("to", "Left out: the champion before.")),
    )

    def project(self, subject: Project) -> Project:
        return subject


@register
class RollBackFromVersion(_RollBack[ModelVersion]):
    """From the champion's own page."""

    description = "The champion before this one serves again."
    subject = ModelVersion
    in_rest = False  # the route of its project does the same

    def project(self, subject: ModelVersion) -> Project:
        return subject.project

    def unavailable(self, subject: ModelVersion) -> EvalsError | None:
        if subject.project.champion_id != subject.pk:
            return Refused(f"{subject.label} is not the champion.")
        return super().unavailable(subject)

"""Promote: the version becomes its project's champion."""

from typing import Any

from registry.actions import champion
from registry.errors import EvalsError
from registry.formatting import NONE, comparison_sentence, primary_metric
from registry.models import ModelVersion

from .action import Action, Button, Caller, Change, Result, register


@register
class Promote(Action[ModelVersion]):
    """The version serves from now on."""

    name = "promote"
    title = "Promote"
    description = "This version serves from now on, and Label Studio asks for its predictions."
    permission = "registry.promote_modelversion"
    subject = ModelVersion
    button = Button(icon="rocket_launch", variant="primary", place=10)
    in_commands = False  # `manage.py promote` is a command of its own

    def unavailable(self, subject: ModelVersion) -> EvalsError | None:
        return champion.why_not_promotable(subject, subject.project)

    def changes(self, subject: ModelVersion) -> list[Change]:
        return champion_moves(subject.project.champion, subject)

    def warning(self, subject: ModelVersion) -> str:
        """How it did beside today's champion on the same tasks, if its run compared them."""
        serving = subject.project.champion
        if serving is None or subject.run is None:
            return ""
        return comparison_sentence(subject.run.comparison, serving.label)

    def precondition(self, subject: ModelVersion) -> str:
        """The champion that the version replaces."""
        return champion.champion_name(subject.project)

    def execute(self, subject: ModelVersion, values: dict[str, Any], caller: Caller) -> Result:
        entry = champion.promote(
            subject,
            actor=caller.name,
            reason=values["reason"],
            expected_champion=values.get("precondition", ""),
        )
        before = f" instead of {entry.from_version}" if entry.from_version else ""
        return Result(f"{subject.label} is the champion of {subject.project}{before}.", entry)


def champion_moves(now: ModelVersion | None, then: ModelVersion) -> list[Change]:
    """What Label Studio's users get, before and after."""
    return [
        Change("Champion", now.label if now else "none: no predictions", then.label),
        Change(
            "Primary metric, each on its own holdout",
            primary_metric(now) if now else NONE,
            primary_metric(then),
        ),
    ]

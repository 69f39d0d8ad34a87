"""Configure: how a project learns and promotes."""

from typing import Any

from registry.actions import project_settings
from registry.models import Project

from .action import OPTIONAL_REASON, Action, Caller, Result, register


@register
class Configure(Action[Project]):
    """The project's `policy`, `options`, `promotion_rule` or `error_budget` is another.

    Each may be left out. The admin has them as fields of the project's page, REST as PATCH of
    the project. They are no texts, so no dialog and no command is made of them.
    """

    name = "configure"
    title = "Configure"
    description = "Changes how the project learns and promotes."
    permission = "registry.configure_project"
    subject = Project
    form = OPTIONAL_REASON
    button = None
    in_rest = False
    in_commands = False

    def execute(self, subject: Project, values: dict[str, Any], caller: Caller) -> Result:
        project_settings.configure(subject, actor=caller.name, **values)
        return Result(f"{subject} is configured.")

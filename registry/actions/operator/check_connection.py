"""Check the connection: each step to Label Studio and back is tried."""

from typing import Any

from registry.engine import engine
from registry.errors import EvalsError
from registry.models import Project

from .action import NOTHING, Action, Button, Caller, Result, register


class ConnectionFailed(EvalsError):
    """A step to Label Studio failed; the message has its cure."""

    code = "connection_failed"


@register
class CheckConnection(Action[Project]):
    """The steps are tried and the report is stored; it is no audit entry."""

    name = "check_connection"
    title = "Check connection"
    description = "Tries each step to Label Studio and back, and names the one that fails."
    permission = "registry.check_project"
    subject = Project
    form = NOTHING
    button = Button(icon="cable", place=15)
    in_commands = False  # `manage.py check_labelstudio` also repairs
    verb = None

    def execute(self, subject: Project, values: dict[str, Any], caller: Caller) -> Result:
        report = engine().check_connection(subject)
        if not report.get("ok"):
            raise ConnectionFailed(_failure(report))
        return Result("Label Studio can be reached, and its events arrive here.")


def _failure(report: dict[str, Any]) -> str:
    failed = next((s for s in report.get("steps", []) if not s.get("ok")), {})
    step = report.get("failed") or failed.get("step") or "connection"
    return f"{step}: {failed.get('detail') or 'failed'} {failed.get('cure') or ''}".strip()

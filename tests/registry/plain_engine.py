"""An engine behind the registry's Protocol, without mlapi."""

from collections.abc import Sequence
from typing import Any

from registry.acts import projects
from registry.engine import Neighbour
from registry.errors import EvalsError
from registry.models import Project, Task


class InvalidOption(EvalsError):
    """The option is not one that this engine has."""

    code = "option_invalid"
    status = 400


class PlainEngine:
    """Reports the connection that its project's title asks for; knows the option `automl`."""

    def check_connection(self, project: Project) -> dict[str, Any]:
        ok = project.title != "unreachable"
        step = {"step": "token", "ok": ok, "detail": "" if ok else "401", "cure": "Set a token."}
        report = {"ok": ok, "steps": [step], "failed": None if ok else "token"}
        projects.record_connection(project, report)
        return report

    def validate_options(self, project: Project, options: dict[str, Any]) -> dict[str, Any]:
        if set(options) - {"automl"}:
            raise InvalidOption("There is no such option.", hint="There is automl.")
        return {"automl": "auto"} | options

    def describe_task(self, task: Task) -> dict[str, Any]:
        host = task.project.hostname
        url = f"{host}/tasks/{task.labelstudio_id}" if host and not task.deleted_at else None
        return {"kind": "text", "text": task.data.get("text", ""), "url": url}

    def thumbnail(self, task: Task) -> bytes:
        return b"\xff\xd8 a picture"

    def similar(self, task: Task, k: int) -> list[Neighbour]:
        others = Task.objects.filter(project=task.project).exclude(pk=task.pk).order_by("pk")
        return [Neighbour(pk, 0.5) for pk in others.values_list("pk", flat=True)[:k]]

    def policy_status(self, project: Project) -> dict[str, Any]:
        return {
            "state": "changes",
            "reason": "3 more changed labels",
            "trigger": "",
            "usable": 30,
            "changed": 7,
            "needed": 10,
            "run_id": None,
            "enabled": True,
        }

    def policy_statuses(self, projects: Sequence[Project]) -> dict[int, dict[str, Any]]:
        return {project.pk: self.policy_status(project) | {"usable": None} for project in projects}

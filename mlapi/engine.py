"""Answers what the registry asks of the engine behind it: `registry.engine.Engine`, implemented."""

from collections.abc import Sequence
from typing import Any

from mlapi import pipelines
from mlapi.labelstudio import label_config
from mlapi.pipelines.base import InputProblem
from registry.errors import EvalsError
from registry.models import Project, Task


class Engine:
    """Named by `settings.REGISTRY_ENGINE`."""

    def check_connection(self, project: Project) -> dict[str, Any]:
        """Try each step to Label Studio; the report is stored on the project by the check."""
        from mlapi.labelstudio.check import check

        return check(project)

    def validate_options(self, project: Project, options: dict[str, Any]) -> dict[str, Any]:
        """The options with the pipeline's defaults filled in. Raises what the pipeline raises.

        A project that no pipeline serves may keep none.
        """
        if project.pipeline:
            return pipelines.get(project.pipeline).validate_options(options)
        if options:
            raise NoPipeline("No pipeline serves this project, so it has no options.")
        return {}

    def describe_task(self, task: Task) -> dict[str, Any]:
        """`{"kind": "text", "text", "url"}`; the text is that of the first target that has one."""
        return {"kind": "text", "text": _text(task), "url": _link(task)}

    def policy_status(self, project: Project) -> dict[str, Any]:
        """How near the project is to its next run, with all its counts."""
        from mlapi.training import policy

        return policy.status(project)

    def policy_statuses(self, projects: Sequence[Project]) -> dict[int, dict[str, Any]]:
        """The same of many projects, without the counts that cost much."""
        from mlapi.training import policy

        return policy.statuses(projects)


class NoPipeline(EvalsError):
    """There is no pipeline whose options these could be."""

    code = "not_served"
    status = 409
    hint = "Connect it to Label Studio first, with a label config that can be served."


def _text(task: Task) -> str:
    project = task.project
    if not project.pipeline:
        return ""
    pipeline = pipelines.get(project.pipeline)
    for target in pipeline.match(label_config.parse(project.label_config)).targets:
        try:
            return str(pipeline.read_input(task.data, target))
        except InputProblem:
            continue
    return ""


def _link(task: Task) -> str | None:
    """The task's page in Label Studio; None for one that was deleted or of an unknown host."""
    project = task.project
    base = (project.labelstudio_url or project.hostname).rstrip("/")
    if not base or task.deleted_at:
        return None
    return f"{base}/projects/{project.labelstudio_id}/data?task={task.labelstudio_id}"

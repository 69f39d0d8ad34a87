"""Implements `registry.engine.Engine`, by which the registry reaches the engine."""

from collections.abc import Sequence
from typing import Any

from mlapi import label_types, pipelines
from mlapi.errors import NotServed
from mlapi.labelstudio.label_config import parse
from mlapi.pipelines.options import agreed
from mlapi.served_config import resolve
from registry.engine import LabelType, Neighbour
from registry.models import Project, Task

_UNSET = object()


class Engine:
    """Named by `settings.REGISTRY_ENGINE`."""

    def check_connection(self, project: Project) -> dict[str, Any]:
        """Try each step to Label Studio; the report is stored on the project by the check."""
        from mlapi.mirror.connection_check import check

        return check(project)

    def validate_options(self, project: Project, options: dict[str, Any]) -> dict[str, Any]:
        """The options with the pipeline's defaults filled in. Raises what the pipeline raises.

        A project that no pipeline serves has no options.
        """
        served = resolve(project.label_config, options)
        useless = ""
        if served.targets:
            useless = pipelines.useless_option(parse(project.label_config), options)
        if served.targets and not useless:
            serving = [pipelines.get(name) for name in served.match.pipelines]
            known = frozenset().union(*(pipeline.option_names for pipeline in serving))
            checked = {
                name: value
                for name, value in options.items()
                # Options of a pipeline that served before are not validated again.
                if name in known or project.options.get(name, _UNSET) != value
            }
            return agreed(
                [
                    pipeline.validate_options(
                        {
                            name: value
                            for name, value in checked.items()
                            if name in pipeline.option_names or name not in known
                        }
                    )
                    for pipeline in serving
                ]
            )
        if not options:
            return {}
        if not project.label_config:
            raise NotServed("The project's label config has not been received yet.")
        message = f"These options serve nothing: {useless or served.unserved_reason}."
        raise NotServed(message, hint="Set them to what the label config has, or to null.")

    def describe_tasks(self, project: Project, tasks: Sequence[Task]) -> list[dict[str, Any]]:
        """`{"kind", "text", "url"}` of each; the text is that of the first target that has one."""
        served = resolve(project.label_config, project.options)
        shown = [served.shown(task.data) or ("text", "") for task in tasks]
        return [
            {"kind": kind, "text": text, "url": _link(project, task)}
            for task, (kind, text) in zip(tasks, shown, strict=True)
        ]

    def label_type(self, kind: str) -> LabelType:
        """The label type of that name. Raises KeyError."""
        return label_types.get(kind)

    def tasks_annotated(self, project: Project, control: str, label: str) -> int:
        """The number of mirrored tasks with an annotation that has this label for the control."""
        from mlapi.mirror.label_use import tasks_annotated

        return tasks_annotated(project, control, label)

    def thumbnail(self, task: Task) -> bytes:
        """A small JPEG of the task's image. Raises NoThumbnail."""
        from mlapi.images.thumbnails import NoThumbnail, thumbnail

        served = resolve(task.project.label_config, task.project.options)
        address = served.image_of(task.data)
        if address is None:
            raise NoThumbnail("The task has no image.")
        return thumbnail(task.project, address)

    def similar(self, task: Task, k: int) -> list[Neighbour]:
        """The tasks whose images are most like the task's. Raises NoFeatures."""
        from mlapi.images.similarity import similar

        return similar(task, k)

    def policy_statuses(self, projects: Sequence[Project]) -> dict[int, dict[str, Any]]:
        """By project id the state of its training policy."""
        from mlapi.training import policy

        return policy.statuses(projects)


def _link(project: Project, task: Task) -> str | None:
    """The task's page in Label Studio; None for one that was deleted or of an unknown host."""
    base = (project.labelstudio_url or project.hostname).rstrip("/")
    if not base or task.deleted_at:
        return None
    return f"{base}/projects/{project.labelstudio_id}/data?task={task.labelstudio_id}"

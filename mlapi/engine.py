"""Implements `registry.engine.Engine`, by which the registry reaches the engine."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from io import BufferedIOBase
from typing import Any

from mlapi import label_types, pipelines
from mlapi.errors import NotServed
from mlapi.labelstudio.consensus import labels_by_annotator
from mlapi.labelstudio.label_config import InvalidLabelConfig, parse
from mlapi.pipelines import option_fields, project_options
from mlapi.served_config import resolve
from registry.engine import AnnotatorLabel, LabelType, Neighbour, OptionField
from registry.label_renames import Renames
from registry.models import ModelVersion, Project, Task


class Engine:
    """Named by `settings.REGISTRY_ENGINE`."""

    def check_connection(self, project: Project) -> dict[str, Any]:
        """Try each step to Label Studio; the report is stored on the project by the check.

        Raises AnotherCheck while this process checks another connection, and Refused where the
        credentials were set meanwhile: then nothing is stored.
        """
        from mlapi.mirror.connection_check import check_for_request

        return check_for_request(project)

    def validate_options(self, project: Project, options: dict[str, Any]) -> dict[str, Any]:
        """The options with defaults filled in. Raises EvalsError naming the one that is wrong.

        A project that no pipeline serves has no options.
        """
        if not options and not resolve(project.label_config, options).targets:
            return {}
        if not project.label_config:
            raise NotServed("The project's label config has not been received yet.")
        try:
            config = parse(project.label_config)
        except InvalidLabelConfig as error:
            raise NotServed(error.message) from None
        return project_options.validate(config, options, project.options)

    def options(self, project: Project) -> list[OptionField]:
        """The options that apply to the label config; none without one that can be read."""
        try:
            config = parse(project.label_config)
        except InvalidLabelConfig:
            return []
        return option_fields.fields(config, project.options)

    def describe_tasks(self, project: Project, tasks: Sequence[Task]) -> list[dict[str, Any]]:
        """`{"kind", "text", "url"}` of each; the text is that of the first target that has one."""
        served = resolve(project.label_config, project.options)
        displayed = [served.display(task.data) or ("text", "") for task in tasks]
        return [
            {"kind": kind, "text": text, "url": _link(project, task)}
            for task, (kind, text) in zip(tasks, displayed, strict=True)
        ]

    def save_tab(self, project: Project, tasks: Sequence[int]) -> int:
        """Make or refresh the tab of tasks to label next. Raises LabelStudioError."""
        from mlapi.labelstudio.credentials import open_project

        labelstudio, _, data = open_project(project)
        with labelstudio:
            return labelstudio.save_tab(data["id"], project.label_next_tab, "Label next", tasks)

    def unserved_controls(self, project: Project) -> list[dict[str, str]]:
        """Each control of the label config that no pipeline fills, and why."""
        served = resolve(project.label_config, project.options)
        return [asdict(unserved) for unserved in served.match.unserved]

    def missing_package(self, projects: Sequence[Project]) -> tuple[str, str] | None:
        """The default sentence encoder, where a project's texts are learned without it."""
        from mlapi.inputs.text.input import DEFAULT
        from mlapi.texts.encoders.loading import unavailable

        texts = pipelines.get("text_classification")
        uses_default = any(
            texts in pipelines.named(project.pipeline)
            and project.options.get("encoder", DEFAULT) == DEFAULT
            for project in projects
        )
        failure = unavailable(DEFAULT) if uses_default else None
        if failure is None:
            return None
        return f"Texts are learned without a sentence encoder. {failure.message}", failure.hint

    def label_type(self, kind: str) -> LabelType:
        """The label type of that name. Raises KeyError."""
        return label_types.get(kind)

    def tasks_annotated(self, project: Project, control: str, label: str) -> int:
        """The number of mirrored tasks with an annotation that has this label for the control."""
        from mlapi.mirror.counts import tasks_annotated

        return tasks_annotated(project, control, label)

    def annotator_labels(
        self, project: Project, tasks: Sequence[Task]
    ) -> list[list[AnnotatorLabel]]:
        """For each task what each annotator said for each control that is served."""
        targets = resolve(project.label_config, project.options).targets
        kinds = {target.name: target.kind for target in targets}
        since, renames = project.control_since, Renames(project.label_renames)
        return [
            [
                AnnotatorLabel(annotator, control, kinds[control], value)
                for annotator, values in labels_by_annotator(
                    task.annotations, targets, since, renames
                ).items()
                for control, value in values.items()
            ]
            for task in tasks
        ]

    def thumbnail(self, task: Task, *, large: bool = False) -> bytes:
        """A small JPEG of the task's image, or a larger one. Raises NoThumbnail."""
        from mlapi.images.thumbnails import NoThumbnail

        served = resolve(task.project.label_config, task.project.options)
        content = served.thumbnail(task.project, task.data, large=large)
        if content is None:
            raise NoThumbnail("The task has no image.")
        return content

    def similar(self, task: Task, k: int) -> list[Neighbour]:
        """The tasks whose images are most like the task's. Raises NoFeatures."""
        from mlapi.images.similarity import similar

        return similar(task, k)

    def export(self, version: ModelVersion) -> BufferedIOBase:
        """A zip of the version's export. Raises as `exports.folder.files` does."""
        from mlapi.exports.folder import write_zip

        return write_zip(version)

    def dataset(self, version: ModelVersion, form: str) -> Iterator[bytes]:
        """The version's dataset. Raises ArtifactMissing or ArtifactCorrupt."""
        from mlapi.exports.dataset import written

        return written(version, form)

    def webhook_host(self, url: str) -> str:
        """The host of a webhook's URL. Raises WebhookUrlRefused."""
        from mlapi.notifications.hosts import allowed_host

        return allowed_host(url)

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

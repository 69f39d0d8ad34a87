"""An engine behind the registry's Protocol, of mlapi with the label types only.

A task whose data has an `image` is shown by it. A `gone.jpg` is unavailable; a `new.jpg` has no
features, as texts have none.
"""

import re
from collections.abc import Iterator, Sequence
from io import BufferedIOBase, BytesIO
from typing import Any

from mlapi import label_types
from registry.actions import projects
from registry.actions.webhooks import WebhookUrlRefused
from registry.engine import AnnotatorLabel, LabelType, Neighbour, OptionField
from registry.errors import EvalsError
from registry.models import ModelVersion, Project, Task


class InvalidOption(EvalsError):
    """The option is not one that this engine has."""

    code = "option_invalid"
    status = 400


class NoThumbnail(EvalsError):
    """The task has no image to show."""

    code = "no_thumbnail"
    status = 404


class NoFeatures(EvalsError):
    """The task's image has no features."""

    code = "no_features"
    status = 409
    hint = "They are made when a version is trained, and when one answers for the task."


class NotExportable(EvalsError):
    """The version has no export."""

    code = "not_exportable"


class PlainEngine:
    """Reports the connection that its project's title asks for; knows the option `automl`.

    Options of controls are stored as they come.
    """

    def check_connection(self, project: Project) -> dict[str, Any]:
        ok = project.title != "unreachable"
        step = {"step": "token", "ok": ok, "detail": "" if ok else "401", "cure": "Set a token."}
        report = {"ok": ok, "steps": [step], "failed": None if ok else "token"}
        projects.record_connection(project, report)
        return report

    def validate_options(self, project: Project, options: dict[str, Any]) -> dict[str, Any]:
        if set(options) - {"automl", "seed", "controls"}:
            raise InvalidOption("There is no such option.", hint="There is automl.")
        return {"automl": "auto"} | options

    def export(self, version: ModelVersion) -> BufferedIOBase:
        if version.note == "not exportable":
            raise NotExportable("It predicts only inside the backend.")
        return BytesIO(f"the export of {version.label}".encode())

    def dataset(self, version: ModelVersion, form: str) -> Iterator[bytes]:
        return iter([f"{version.label} as ".encode(), form.encode()])

    def options(self, project: Project) -> list[OptionField]:
        words = ("auto", "on", "off")
        choices = [(word, word) for word in words]
        return [
            OptionField("automl", "", "AutoML", "When.", "auto", choices),
            OptionField("seed", "", "Seed", "Of all.", 0, is_whole=True, low=0, high=99),
        ]

    def describe_tasks(self, project: Project, tasks: Sequence[Task]) -> list[dict[str, Any]]:
        return [_described(project.hostname, task) for task in tasks]

    def save_tab(self, project: Project, tasks: Sequence[int]) -> int:
        return project.label_next_tab or 7

    def unserved_controls(self, project: Project) -> list[dict[str, str]]:
        """The controls for which the label config has an `Unserved` tag."""
        return [
            {"control": name, "code": "control_not_served", "message": "This cannot be served"}
            for name in re.findall(r'<Unserved name="(.*?)"', project.label_config)
        ]

    def missing_package(self, projects: Sequence[Project]) -> tuple[str, str] | None:
        """The missing package of a project whose title says so."""
        if any(project.title == "without encoder" for project in projects):
            return "Texts are learned without it.", "Install it."
        return None

    def label_type(self, kind: str) -> LabelType:
        return label_types.get(kind)

    def tasks_annotated(self, project: Project, control: str, label: str) -> int:
        """The annotated tasks by their labels, without reading annotations."""
        return Task.objects.filter(project=project, labels={control: label}).count()

    def annotator_labels(
        self, project: Project, tasks: Sequence[Task]
    ) -> list[list[AnnotatorLabel]]:
        """Each annotation's one choice."""
        return [
            [
                AnnotatorLabel(
                    annotation["completed_by"],
                    region["from_name"],
                    "choice",
                    region["value"]["choices"][0],
                )
                for annotation in task.annotations
                for region in annotation["result"]
            ]
            for task in tasks
        ]

    def thumbnail(self, task: Task, *, large: bool = False) -> bytes:
        image = task.data.get("image", "")
        if not image or image.endswith("gone.jpg"):
            raise NoThumbnail("The task has no image.")
        return b"\xff\xd8 " + image.encode()

    def similar(self, task: Task, k: int) -> list[Neighbour]:
        """The newest first, each 0.1 less like it than the one before."""
        if not _has_features(task):
            raise NoFeatures(f"Task {task.labelstudio_id} has no features.")
        others = Task.objects.filter(project=task.project).exclude(pk=task.pk).order_by("-pk")
        found = [other.pk for other in others if _has_features(other)]
        return [Neighbour(pk, 0.9 - 0.1 * place) for place, pk in enumerate(found[:k])]

    def webhook_host(self, url: str) -> str:
        """The host of any https URL."""
        if not url.startswith("https://"):
            raise WebhookUrlRefused("The URL is not https.")
        return url.removeprefix("https://").partition("/")[0]

    def policy_statuses(self, projects: Sequence[Project]) -> dict[int, dict[str, Any]]:
        status = {
            "state": "changes",
            "reason": "3 more changed labels",
            "trigger": "",
            "usable": None,
            "changed": 7,
            "needed": 10,
            "run_id": None,
            "enabled": True,
        }
        return {project.pk: dict(status) for project in projects}


def _has_features(task: Task) -> bool:
    return not task.data.get("image", "new.jpg").endswith("new.jpg")


def _described(host: str, task: Task) -> dict[str, Any]:
    url = f"{host}/tasks/{task.labelstudio_id}" if host and not task.deleted_at else None
    if "image" in task.data:
        return {"kind": "image", "text": task.data["image"], "url": url}
    return {"kind": "text", "text": task.data.get("text", ""), "url": url}

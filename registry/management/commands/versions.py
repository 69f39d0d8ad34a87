"""Lists a project's versions."""

from argparse import ArgumentParser
from typing import Any

from registry.formatting import share_interval
from registry.management.cli import ReportCommand, add_project, find_project, minute, number, sample
from registry.metrics import title
from registry.models import ModelVersion


class Command(ReportCommand):
    """`versions PROJECT [--limit N] [--json]`."""

    help = "Lists a project's versions, newest first, with their primary metric and its baseline."

    def arguments(self, parser: ArgumentParser) -> None:
        """Adds the project and the limit."""
        add_project(parser)
        parser.add_argument("--limit", type=int, default=20, help="how many at most (20)")

    def show(self, options: dict[str, Any]) -> list[dict[str, Any]]:
        """The versions, newest first; two queries."""
        project = find_project(options["project"])
        newest = ModelVersion.objects.filter(project=project).order_by("-number")
        versions = list(newest.select_related("project")[: max(options["limit"], 0)])
        return [_version(version) for version in versions]

    def print(self, values: Any) -> None:
        """A table."""
        self.table(
            values,
            {
                "version": lambda v: v["label"],
                "state": lambda v: v["state"],
                "primary": lambda v: number(v["primary"]),
                "metric": lambda v: title(v["primary_metric"]),
                "95 %": lambda v: v["primary_interval"] and share_interval(v["primary_interval"]),
                "n": lambda v: sample(v["primary_n"]),
                "baseline": lambda v: number(v["baseline"]),
                "recipe": lambda v: v["recipe"],
                "made": lambda v: minute(v["created_at"]),
                "tags": lambda v: ", ".join(v["tags"]),
                "note": lambda v: v["note"],
            },
        )


def _version(version: ModelVersion) -> dict[str, Any]:
    return {
        "id": version.pk,
        "label": version.label,
        "number": version.number,
        "state": version.state.value,
        "primary": version.primary_value,
        "primary_interval": version.primary_interval,
        "primary_metric": version.primary_metric,
        "primary_n": version.primary_n,
        "baseline": version.primary_baseline,
        "pipeline": version.pipeline,
        "recipe": version.recipe,
        "run": version.run_id,
        "created_at": version.created_at.isoformat(),
        "tags": version.tags,
        "note": version.note,
    }

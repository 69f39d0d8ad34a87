"""`manage.py push_to_mlflow`: registers a version's export in MLflow."""

from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from mlapi.exports.mlflow_registry import push
from registry.management.cli import ReportCommand, add_project, add_version, version_of


class Command(ReportCommand):
    """The champion, or the version that is named. One that is there already stays."""

    help = "Register a version's export in the MLflow of MLFLOW_TRACKING_URI."

    def arguments(self, parser: ArgumentParser) -> None:
        """Project and version."""
        add_project(parser)
        add_version(parser, optional=True)

    def show(self, options: dict[str, Any]) -> dict[str, Any]:
        """The registered model, its version there, and whether it is new."""
        version = version_of(options)
        return {"version": version.label, **asdict(push(version))}

    def print(self, values: Any) -> None:
        """Prints where the version is."""
        what = "is" if values["is_new"] else "was already"
        self.say(f"{values['version']} {what} version {values['number']} of {values['name']}.")

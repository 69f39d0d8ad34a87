"""`manage.py push_to_mlflow`: registers a version's export in MLflow."""

from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management import CommandError

from mlapi.exports.mlflow_registry import push
from registry.management.cli import ReportCommand, find_project, find_version


class Command(ReportCommand):
    """The champion, or the version that is named. One that is there already stays."""

    help = "Register a version's export in the MLflow of MLFLOW_TRACKING_URI."

    def arguments(self, parser: ArgumentParser) -> None:
        """Project and version."""
        parser.add_argument("project", help="its uid, our id, or Label Studio's id")
        parser.add_argument("version", nargs="?", help="as v7-3fa2c1 or v7; else the champion")

    def show(self, options: dict[str, Any]) -> dict[str, Any]:
        """The registered model, its version there, and whether it is new."""
        project = find_project(options["project"])
        name = options["version"]
        version = find_version(project, name) if name else project.champion
        if version is None:
            raise CommandError(f"{project} has no champion: name a version.")
        return {"version": version.label, **asdict(push(version))}

    def print(self, found: Any) -> None:
        """Prints where the version is."""
        what = "is" if found["is_new"] else "was already"
        self.say(f"{found['version']} {what} version {found['number']} of {found['name']}.")

"""`manage.py export`: writes a folder that predicts as a version does, without this backend."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from mlapi.exports.folder import write
from registry.management.cli import ReportCommand, add_project, add_version, version_of


class Command(ReportCommand):
    """The folder is new or empty; with `--json` the paths of its files are printed."""

    help = "Write a version as a folder that predicts without this backend: an MLflow model."

    def arguments(self, parser: ArgumentParser) -> None:
        """Project, version and folder."""
        add_project(parser)
        add_version(parser)
        parser.add_argument("folder", help="a new or empty folder")

    def show(self, options: dict[str, Any]) -> dict[str, Any]:
        """The version, the folder and the files in it."""
        version = version_of(options)
        folder = Path(options["folder"])
        return {"version": version.label, "folder": str(folder), "files": write(version, folder)}

    def print(self, values: Any) -> None:
        """Prints what was written, and how it is used."""
        self.say(
            f"{values['version']} is in {values['folder']}: {len(values['files'])} files. "
            "README.md there says how it is used."
        )

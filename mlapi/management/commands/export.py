"""`manage.py export`: writes a folder that predicts as a version does, without this backend."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from mlapi.exports.folder import write
from registry.management.cli import ReportCommand, find_project, find_version


class Command(ReportCommand):
    """The folder is new or empty; with `--json` the paths of its files are printed."""

    help = "Write a version as a folder that predicts without this backend: an MLflow model."

    def arguments(self, parser: ArgumentParser) -> None:
        """Project, version and folder."""
        parser.add_argument("project", help="its uid, our id, or Label Studio's id")
        parser.add_argument("version", help="as v7-3fa2c1 or v7")
        parser.add_argument("folder", help="a new or empty folder")

    def show(self, options: dict[str, Any]) -> dict[str, Any]:
        """The version, the folder and the files in it."""
        version = find_version(find_project(options["project"]), options["version"])
        folder = Path(options["folder"])
        return {"version": version.label, "folder": str(folder), "files": write(version, folder)}

    def print(self, found: Any) -> None:
        """Prints what was written, and how it is used."""
        self.say(
            f"{found['version']} is in {found['folder']}: {len(found['files'])} files. "
            "README.md there says how it is used."
        )

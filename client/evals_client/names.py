"""Projects and versions by the names that people use, as ids of REST."""

import re

from evals_client.client import Evals
from evals_client.errors import EvalsError

VERSION = re.compile(r"v[0-9]{1,9}(-[0-9a-f]{6})?")


class NameUnknown(Exception):
    """There is no such project or version, or several; the message says which."""


def project_id(client: Evals, name: str) -> int:
    """By uid, by our id, by Label Studio's id or by title. Raises NameUnknown."""
    found = [project["id"] for project in client.projects.list(uid=name)]
    if not found and name.isascii() and name.isdecimal():
        found = _by_id(client, name)
    if not found:
        found = [p["id"] for p in client.projects.list(search=name) if p["title"] == name]
    if len(found) > 1:
        raise NameUnknown(f"There are {len(found)} projects {name!r}: use the uid.")
    if not found:
        raise NameUnknown(f"There is no project {name!r}, and no such command.")
    return found[0]


def version_id(client: Evals, project: int, name: str) -> int:
    """By number (`v7`) or label (`v7-3fa2c1`). Raises NameUnknown."""
    number, _, digits = name.removeprefix("v").partition("-")
    for version in client.versions.list(project=project, number=int(number)):
        if not digits or version["label"] == name:
            return version["id"]
    raise NameUnknown(f"The project has no version {name}.")


def _by_id(client: Evals, number: str) -> list[int]:
    """By our id, else by Label Studio's, with which a uid begins."""
    try:
        return [client.projects.get(int(number))["id"]]
    except EvalsError as error:
        if error.code != "not_found":
            raise
    found = client.projects.list(search=f"{number}.")
    return [project["id"] for project in found if project["uid"].startswith(f"{number}.")]

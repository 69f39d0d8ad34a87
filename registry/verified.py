"""Reads files of a known SHA-256 once, so that the bytes returned are those that were hashed.

Needs no database, so a training's child process can use it.
"""

import hashlib
from pathlib import Path

from registry.errors import EvalsError

ARTIFACT_FORMAT = 2  # that versions are written in today; see mlapi/pipelines/artifact.py


class ArtifactMissing(EvalsError):
    """The store does not have the file."""

    code = "artifact_missing"


class ArtifactCorrupt(EvalsError):
    """The file's SHA-256 is not the one that was recorded when it was put."""

    code = "artifact_corrupt"


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def verify(content: bytes, sha256: str, name: str) -> bytes:
    """The content itself. Raises ArtifactCorrupt if its SHA-256 is another."""
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ArtifactCorrupt(f"The artifact {name} is not the file that was put there.")
    return content


def read_verified(path: Path, sha256: str, name: str = "") -> bytes:
    """The file's content, whose SHA-256 is this. Raises ArtifactMissing or ArtifactCorrupt.

    The file is opened once: whatever is written to it afterwards is neither hashed nor read.
    """
    name = name or path.name
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise ArtifactMissing(f"The artifact {name} is not there.") from None
    return verify(content, sha256, name)

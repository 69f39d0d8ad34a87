"""Finds the recorded requests and texts that lie beside the repository, where they are at hand."""

import json
from pathlib import Path
from typing import Any

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"

needs_shared = pytest.mark.skipif(
    not SHARED.is_dir(), reason="needs the folder `shared` beside the repository"
)


def shared(relative: str) -> Path:
    """The path of a shared file or folder; skips the test if it is not there."""
    path = SHARED / relative
    if not path.exists():
        pytest.skip(f"needs ../shared/{relative} beside the repository")
    return path


def wire_files() -> list[Path]:
    """Label Studio's recorded requests, for parametrize; empty where they are not at hand."""
    return sorted((SHARED / "wire").glob("*.json"))


def package_sections() -> list[dict[str, Any]]:
    """2,400 short texts of six classes; skips the test if they are not there."""
    with open(shared("data/package_sections.jsonl"), encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]

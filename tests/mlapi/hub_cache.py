"""The Hugging Face hub's cache of a machine, and scripts that have it and no hub."""

import os
import subprocess
import sys
from pathlib import Path

OFFLINE = {"HF_HUB_OFFLINE": "1"}  # by its client's own switch: the same wherever a test runs
UNREACHABLE = {"HF_ENDPOINT": "http://127.0.0.1:9"}
_COMMIT = "0123456789abcdef0123456789abcdef01234567"


def snapshot(home: Path, owner: str, model: str) -> Path:
    """The folder of a model's files, in the layout of folders of the hub's client; not made yet."""
    repository = home / "hub" / f"models--{owner}--{model}"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(_COMMIT)
    return repository / "snapshots" / _COMMIT


def output_of(script: str, home: Path, hub: dict[str, str]) -> str:
    """The output of the Python script in a process whose cache of the hub is in that folder."""
    environment = {**os.environ, **hub, "HF_HOME": str(home)}
    ran = subprocess.run(
        [sys.executable, "-c", script], check=True, env=environment, capture_output=True, text=True
    )
    return ran.stdout.strip()

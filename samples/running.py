"""`python -m samples.running`: the folder of a server that runs on this machine; else status 1."""

import json
import os
import sys
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parents[1]
NOT_RUNNING = (
    "No evals-backend runs here. Start one in another terminal, by `make demo` or `make run`, "
    "and then this again."
)


def folder() -> Path | None:
    """The DATA_DIR of a server that answers: the environment's, `var` or the demo's."""
    named = os.environ.get("DATA_DIR")
    candidates = [Path(named)] if named else [ROOT / "var", ROOT / ".demo"]
    return next((one.resolve() for one in candidates if _answers(one)), None)


def url(data_dir: Path) -> str:
    """The address of the server of that folder, on this machine."""
    port = json.loads((data_dir / "server.json").read_text())["port"]
    return f"http://127.0.0.1:{port}"


def _answers(data_dir: Path) -> bool:
    try:
        return httpx.get(f"{url(data_dir)}/health", timeout=5).is_success
    except (OSError, ValueError, KeyError, httpx.TransportError):
        return False


def main() -> int:
    """Print the folder; the exit status."""
    if found := folder():
        print(found)
        return 0
    print(NOT_RUNNING, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())

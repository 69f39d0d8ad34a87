"""A real Label Studio for the tests, started from a migrated copy.

`python -m tests.e2e.labelstudio_server` makes what is copied.
"""

import fcntl
import os
import shutil
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from tests.e2e import processes
from tests.e2e.labelstudio_client import PASSWORD, TOKEN, USER, LabelStudioClient
from tests.e2e.labelstudio_project import CHOICES, LSProject
from tests.e2e.waiting import wait_for
from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
HOME = ROOT / ".label-studio"
FIRST_START_S, START_S = 900, 300  # 45 s and 5 s on an idle machine


def venv() -> Path:
    """Label Studio's own virtual environment, which `make test` makes."""
    return Path(os.environ.get("LABEL_STUDIO_VENV") or HOME / "venv").resolve()


def why_not() -> str | None:
    """The reason why no Label Studio can be started here, or None."""
    if (venv() / "bin" / "label-studio").exists():
        return None
    return f"no Label Studio in {venv()}: run `make test`, or set LABEL_STUDIO_VENV"


class LabelStudioServer(LabelStudioClient):
    """A running Label Studio: `url`, the legacy `token`, and what a user does with it."""

    def __init__(
        self, folder: Path, *, port: int = 0, extra_env: Mapping[str, str] | None = None
    ) -> None:
        self.port = port or free_port()
        super().__init__(f"http://127.0.0.1:{self.port}")
        self.hostname = f"http://localhost:{self.port}"  # what /setup calls it
        self.folder = folder
        self.log = folder.parent / f"{folder.name}.log"
        self._env = dict(extra_env or {})
        self._process = None

    def start(self, timeout_s: float = START_S) -> "LabelStudioServer":
        """Start it and wait until it answers."""
        command = [
            *(str(venv() / "bin" / "label-studio"), "start", "--no-browser"),
            *("--internal-host", "127.0.0.1", "--port", str(self.port)),
            *("--username", USER, "--password", PASSWORD),
            *("--user-token", TOKEN, "--enable-legacy-api-token"),
        ]
        self._process = processes.start(command, self._environment(), self.log, self.folder.parent)
        try:
            wait_for(self._answers, f"Label Studio at {self.url}", timeout_s)
        except AssertionError as error:
            self.stop()
            raise AssertionError(f"{error}\n{processes.tail(self.log)}") from None
        return self

    def stop(self) -> None:
        """Stop it; its data stay in `folder`."""
        if self._process:
            processes.stop(self._process, signal.SIGINT, patience_s=10)
            self._process = None

    def _environment(self) -> dict[str, str]:
        inherited = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR")
        return {
            **{name: os.environ[name] for name in inherited if name in os.environ},
            "LABEL_STUDIO_BASE_DATA_DIR": str(self.folder),
            "COLLECT_ANALYTICS": "0",
            "LATEST_VERSION_CHECK": "0",
            "SENTRY_DSN": "",
            "FRONTEND_SENTRY_DSN": "",
            # Both are needed for a backend on a private address.
            "ML_BLOCK_LOCAL_IP": "0",
            "SSRF_PROTECTION_ENABLED": "0",
            # Of the requests that connect a backend, and of webhooks: 1 s or 3 s are too few on a
            # busy machine, where an event that is retried would come after a later one.
            "WEBHOOK_TIMEOUT": "60",
            "ML_CONNECTION_TIMEOUT": "60",
            "ML_TIMEOUT_HEALTH": "60",
            "ML_TIMEOUT_SETUP": "60",
            "LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED": "true",
            "LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT": str(self.files),
            **self._env,
        }

    @property
    def files(self) -> Path:
        """The root of the local files that it may serve."""
        path = self.folder.parent / f"{self.folder.name}-files"
        path.mkdir(exist_ok=True)
        return path

    def _answers(self) -> bool:
        if self._process and self._process.poll() is not None:
            raise AssertionError(f"Label Studio ended with {self._process.returncode}")
        try:
            return self._http.get("/health", timeout=5).json().get("status") == "UP"
        except (httpx.TransportError, ValueError):
            return False

    def project(
        self, title: str = "a test", label_config: str = CHOICES, **fields: Any
    ) -> LSProject:
        """Make a project."""
        made = self.api(
            "POST", "/api/projects/", json={"title": title, "label_config": label_config, **fields}
        )
        return LSProject(self, made["id"], made["created_at"])


def new_server(folder: Path, **kwargs: Any) -> LabelStudioServer:
    """A started Label Studio with its data in `folder`, migrated and with its first user."""
    shutil.copytree(template(), folder)
    return LabelStudioServer(folder, **kwargs).start()


def template() -> Path:
    """The data of a first start, made once: it takes 45 s, and all later ones 5 s."""
    lock = ROOT / "tests" / "e2e" / "label-studio.txt"
    HOME.mkdir(exist_ok=True)
    ready, draft = HOME / "template", HOME / "template.draft"
    with open(HOME / ".template.lock", "w") as alone:
        fcntl.flock(alone, fcntl.LOCK_EX)
        if ready.exists() and ready.stat().st_mtime >= lock.stat().st_mtime:
            return ready
        shutil.rmtree(draft, ignore_errors=True)
        shutil.rmtree(ready, ignore_errors=True)
        draft.mkdir()
        server = LabelStudioServer(draft)
        try:
            server.start(FIRST_START_S).api("GET", "/api/current-user/whoami")
        finally:
            server.stop()
        os.utime(draft)
        draft.rename(ready)
    return ready


if __name__ == "__main__":
    template()

"""Our whole server as a user starts it: `python -m evals_backend.serve`, in a folder of its own."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import httpx
import psycopg2
import psycopg2.extras

from mlapi.change_listener import APPLICATION_NAME as LISTENING
from tests import data_folder
from tests.e2e import processes
from tests.e2e.waiting import wait_for
from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
START_S = 300  # migrations and three processes; 15 s on an idle machine

T = TypeVar("T")

# A listener that is connecting has no such row, and its process reads what it answers by.
_PINGS = (
    "SELECT pid, query_start FROM pg_stat_activity"
    " WHERE application_name = %s AND query = 'SELECT 1'"
)


class Backend:
    """A running evals-backend: `url`, `key_url` to paste, and a look into its database.

    Those that are started and stopped otherwise have another module, limit and signal.
    """

    module = "evals_backend.serve"
    start_s = START_S
    stop_signal = signal.SIGINT  # as Ctrl-C

    def __init__(self, data_dir: Path, **env: str) -> None:
        self.data_dir = data_dir
        self.log = data_dir.parent / f"{data_dir.name}.log"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.extra_env = dict(env)
        self._process: subprocess.Popen | None = None

    # The process

    def start(self) -> "Backend":
        """Start it and wait until it is ready to work, its workers too."""
        if not self.data_dir.exists():
            data_folder.prepare(self.data_dir)
        command = [sys.executable, "-m", self.module]
        self._process = processes.start(command, self.environment(), self.log, ROOT)
        try:
            self.wait_for(self._has_started, f"the start of {self.module}", self.start_s)
        except AssertionError as error:
            self.stop()
            raise AssertionError(f"{error}\n{processes.tail(self.log)}") from None
        return self

    def stop(self) -> int | None:
        """Stop it; its exit status."""
        if self._process is None:
            return None
        status = processes.stop(self._process, self.stop_signal, patience_s=60)
        self._process = None
        return status

    def restart(self, **env: str) -> "Backend":
        """Stop it and start it again with the same data, port and key."""
        self.stop()
        self.extra_env |= env
        return self.start()

    @property
    def pid(self) -> int:
        """The process that started all others. Raises AssertionError while it does not run."""
        assert self._process is not None, "the server is not started"
        return self._process.pid

    def environment(self) -> dict[str, str]:
        """The server's environment, without the tests' own settings."""
        inherited = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV")
        return {
            **{name: os.environ[name] for name in inherited if name in os.environ},
            "DATA_DIR": str(self.data_dir),
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            **self.extra_env,
        }

    def manage(self, *args: str, check: bool = True) -> subprocess.CompletedProcess:
        """Run `manage.py` beside the server, as an operator would; its output as text."""
        done = subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), *args],
            env=self.environment(),
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        if check and done.returncode:
            raise AssertionError(f"manage.py {' '.join(args)}: {done.stdout}\n{done.stderr}")
        return done

    def _has_started(self) -> bool:
        return self._is_up()

    def _is_up(self) -> bool:
        if self._process and self._process.poll() is not None:
            raise AssertionError(f"the server ended with {self._process.returncode}")
        try:
            return httpx.get(f"{self.key_url}/ready", timeout=5).status_code == 200
        except (httpx.TransportError, FileNotFoundError):
            return False

    # Its first login

    @property
    def key(self) -> str:
        """The access key of the first login."""
        return re.search(r"/k/(\w+)", self._first_login())[1]

    @property
    def key_url(self) -> str:
        """The URL that a user pastes into Label Studio."""
        return f"{self.url}/k/{self.key}"

    @property
    def password(self) -> str:
        """The password of the user `admin`."""
        return re.search(r"Password: (\S+)", self._first_login())[1]

    def _first_login(self) -> str:
        return (self.data_dir / "first-login.txt").read_text()

    # Talking to it

    def get(self, path: str, **kwargs: Any) -> httpx.Response:
        """GET with the key in the path."""
        return httpx.get(self.key_url + path, timeout=60, **kwargs)

    def post(self, path: str, body: Any, **kwargs: Any) -> httpx.Response:
        """POST JSON with the key in the path."""
        return httpx.post(self.key_url + path, json=body, timeout=120, **kwargs)

    def sql(self, statement: str, values: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Rows of a SELECT on its database."""
        lines = (self.data_dir / "postgres" / "postmaster.pid").read_text().splitlines()
        connection = psycopg2.connect(host=lines[4], user="postgres", dbname="postgres")
        try:
            with (
                connection,
                connection.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cursor,
            ):
                cursor.execute(statement, values)
                return [dict(row) for row in cursor.fetchall()] if cursor.description else []
        finally:
            connection.close()

    def project(self, uid: str) -> dict[str, Any]:
        """The project's row, with the label of its champion as `version`; {} if not known."""
        rows = self.sql(
            "SELECT p.*, v.label AS version FROM registry_project p "
            "LEFT JOIN registry_modelversion v ON v.id = p.champion_id WHERE p.uid = %s",
            [uid],
        )
        return rows[0] if rows else {}

    def tasks(self, uid: str) -> dict[int, dict[str, Any]]:
        """The mirrored tasks that exist, by Label Studio's id."""
        rows = self.sql(
            "SELECT t.* FROM registry_task t JOIN registry_project p ON p.id = t.project_id "
            "WHERE p.uid = %s AND t.deleted_at IS NULL",
            [uid],
        )
        return {row["labelstudio_id"]: row for row in rows}

    def labels(self, uid: str) -> dict[int, dict[str, Any]]:
        """The usable labels of the mirrored tasks that have any, by Label Studio's id."""
        return {pk: task["labels"] for pk, task in self.tasks(uid).items() if task["labels"]}

    def events(self, uid: str) -> list[dict[str, Any]]:
        """The project's events, oldest first."""
        return self._of_project("event", uid)

    def runs(self, uid: str) -> list[dict[str, Any]]:
        """The project's trainings, oldest first; without their challengers."""
        found = self._of_project("trainingrun", uid)
        return [run for run in found if run["kind"] == "training"]

    def versions(self, uid: str) -> list[dict[str, Any]]:
        """The project's versions, oldest first."""
        return self._of_project("modelversion", uid)

    def audit_entries(self, uid: str) -> list[dict[str, Any]]:
        """The project's audit entries, oldest first."""
        return self._of_project("auditentry", uid)

    def _of_project(self, table: str, uid: str) -> list[dict[str, Any]]:
        return self.sql(
            f"SELECT x.* FROM registry_{table} x JOIN registry_project p ON p.id = x.project_id "
            "WHERE p.uid = %s ORDER BY x.id",
            [uid],
        )

    # Waiting

    def wait_for(self, look: Callable[[], T], what: str, timeout_s: float = 600) -> T:
        """The value of `look` as soon as it is true. Raises AssertionError that names `what`."""
        return wait_for(look, what, timeout_s)

    def wait_for_web(self) -> None:
        """Waits until the web processes answer by all that is committed now.

        Each hands on the changes that came with the answer to its last ping, then pings again.
        """
        (before,) = self.sql("SELECT clock_timestamp() AS at")
        last: dict[int, Any] = {}

        def have_pinged() -> bool:
            pings = {row["pid"]: row["query_start"] for row in self.sql(_PINGS, [LISTENING])}
            late = [pid for pid, at in pings.items() if at <= last.get(pid, before["at"])]
            if not late:
                last.update(pings)
            return not late

        for _ in range(2):
            wait_for(have_pinged, "the web processes' listeners", every_s=0.02)

    def wait_for_sync(self, uid: str, timeout_s: float = 600) -> dict[str, Any]:
        """The project's row once a sync has succeeded."""
        return self.wait_for(
            lambda: (p := self.project(uid)) and p["synced_at"] and p,
            f"the first sync of {uid}",
            timeout_s,
        )

    def wait_for_version(
        self, uid: str, after: str | None = None, timeout_s: float = 600
    ) -> dict[str, Any]:
        """The project's row once a champion other than `after` serves."""

        def serves() -> Any:
            runs = self.runs(uid)
            if runs and runs[-1]["state"] == "failed":
                raise AssertionError(f"run failed: {runs[-1]['error_code']} {runs[-1]['error']}")
            row = self.project(uid)
            return row if row and row["version"] not in (None, after) else None

        return self.wait_for(serves, f"a version of {uid} after {after}", timeout_s)

"""What is measured: this project, the peer, or any backend by its URL."""

import base64
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx
import psutil
import psycopg2

from tests.e2e import processes as servers
from tests.e2e.server import Backend
from tests.ports import free_port

from . import mirror, processes, protocol

ROOT = Path(__file__).resolve().parents[2]
PEER = ROOT / ".bench" / "peer" / "bin"
_TRAINED_WITHIN_S = 1800
# Of more texts the mirror is filled by SQL: a request may have 64 MB.
_POSTED_AT_MOST = 5_000


class Subject:
    """A backend that speaks Label Studio's protocol; `url` may have a path, which is kept."""

    name = ""
    url = ""

    def __init__(self) -> None:
        self.headers: dict[str, str] = {}
        self._closing = ExitStack()
        self._client: httpx.Client | None = None

    # What a kind of subject says of itself

    def require(self) -> None:
        """Raises SystemExit where something that it needs is not installed."""

    def start(self) -> None:
        """Start it with an empty model store."""

    @property
    def is_local(self) -> bool:
        """Whether its processes are ours to measure and to restart."""
        return True

    def processes(self) -> list[psutil.Process]:
        """Its own processes, without its services'."""
        return []

    def services(self) -> dict[str, list[psutil.Process]]:
        """What it stands on, by name: a database, a queue."""
        return {}

    def database(self) -> Any:
        """A new connection to the PostgreSQL that it stores events in; None if it has none."""
        return None

    def train(self, project: int, pairs: Sequence[tuple[str, str]]) -> None:
        """Have it train the project's first version on these texts; it may still be training."""
        self.post("/train", protocol.train(project, pairs)).raise_for_status()

    def close(self) -> None:
        """Stop what was started and remove its files."""
        if self._client is not None:
            self._client.close()
        self._closing.close()

    # Talking to it

    @property
    def client(self) -> httpx.Client:
        """One connection that is kept alive."""
        if self._client is None:
            self._client = httpx.Client(headers=self.headers, timeout=120)
        return self._client

    def post(self, path: str, body: Any) -> httpx.Response:
        """POST JSON."""
        return self.client.post(self.url + path, json=body)

    def version(self, project: int, texts: Sequence[str]) -> str | None:
        """The version that predicts each of these texts; None while it does not."""
        answer = self.post("/predict", protocol.predict(project, texts))
        if answer.status_code != 200:
            return None
        body = answer.json()
        results = body.get("results") or []
        predicted = [r for r in results if isinstance(r, dict) and r.get("result")]
        if len(predicted) != len(texts):
            return None
        # Label Studio reads each prediction's; label-studio-ml 1.0.9 has one outside of them only.
        return predicted[0].get("model_version") or body.get("model_version")

    def learn(self, project: int, pairs: Sequence[tuple[str, str]]) -> None:
        """Set the project up, train it, and wait until it predicts and is idle again."""
        self.post("/setup", protocol.setup(project)).raise_for_status()
        sample = [text for text, _ in pairs[:2]]
        if self.version(project, sample):
            return
        self.train(project, pairs)
        give_up = time.monotonic() + _TRAINED_WITHIN_S
        while not self.version(project, sample):
            if time.monotonic() > give_up:
                raise SystemExit(f"{self.name} has no model after {_TRAINED_WITHIN_S} s.")
            time.sleep(1)
            self.post("/setup", protocol.setup(project)).raise_for_status()
        self.settle()

    def settle(self) -> None:
        """Wait until it has nothing to do, if that can be seen."""
        if self.is_local:
            processes.settle(self.processes)
        else:
            time.sleep(2)

    def start_seconds(self) -> float:
        """Seconds from a restart's start to the first answer of `/health`."""
        stopped = threading.Event()
        found: list[float] = []
        began = [0.0]

        def watch() -> None:
            while not stopped.wait(0.02):
                with suppress(httpx.HTTPError):
                    if httpx.get(self.url + "/health", timeout=5).status_code == 200:
                        found.append(time.perf_counter() - began[0])
                        return

        watcher = threading.Thread(target=watch)

        def starting() -> None:
            began[0] = time.perf_counter()
            watcher.start()

        try:
            self._restart(starting)
            watcher.join(120)
        finally:
            stopped.set()
        return found[0] if found else float("nan")

    def _restart(self, starting: Callable[[], None]) -> None:
        """As `restart`, calling back when it is down and about to be started."""
        raise NotImplementedError

    def _folder(self, name: str) -> Path:
        folder = Path(tempfile.mkdtemp(prefix=f"bench-{name}-"))
        self._closing.callback(shutil.rmtree, folder, ignore_errors=True)
        return folder


class Own(Subject):
    """This project as `make run` starts it, on a data folder of its own.

    Without `encoder` its projects have the option `encoder` `none`.
    """

    name = "this project"

    def __init__(
        self, environment: Mapping[str, str] | None = None, *, encoder: bool = True
    ) -> None:
        super().__init__()
        self._environment = dict(environment or {})
        self._encoder = encoder
        self._without_encoder: set[str] = set()
        self.backend: Backend

    def start(self) -> None:
        self.backend = Backend(self._folder("own") / "data", **self._environment)
        self._closing.callback(self.backend.stop)
        self.backend.start()
        self.url = self.backend.key_url

    def post(self, path: str, body: Any) -> httpx.Response:
        try:
            answer = super().post(path, body)
        except httpx.TransportError as error:
            error.add_note(f"The server's last lines:\n{servers.tail(self.backend.log)}")
            raise
        if path == "/setup" and not self._encoder and body["project"] not in self._without_encoder:
            answer.raise_for_status()
            with closing(self.database()) as database:
                row = mirror.project_id(database, body["project"])
                mirror.choose(database, row, encoder="none")
            self._without_encoder.add(body["project"])
        return answer

    def train(self, project: int, pairs: Sequence[tuple[str, str]]) -> None:
        if len(pairs) <= _POSTED_AT_MOST:
            super().train(project, pairs)
            return
        with closing(self.database()) as database:
            row = mirror.project_id(database, protocol.uid(project))
            mirror.configure(database, row, enabled=False)
            mirror.add_tasks(database, row, project, pairs)
        self.post("/webhook", protocol.start_training(project)).raise_for_status()

    def processes(self) -> list[psutil.Process]:
        return processes.tree(self.backend.pid)

    def services(self) -> dict[str, list[psutil.Process]]:
        pid_file = self.backend.data_dir / "postgres" / "postmaster.pid"
        return {"PostgreSQL": processes.tree(int(pid_file.read_text().split()[0]))}

    def database(self) -> Any:
        lines = (self.backend.data_dir / "postgres" / "postmaster.pid").read_text().splitlines()
        return psycopg2.connect(host=lines[4], user="postgres", dbname="postgres")

    def _restart(self, starting: Callable[[], None]) -> None:
        self.backend.stop()
        starting()
        self.backend.start()


class Peer(Subject):
    """label-studio-ml 1.0.9 under gunicorn, one process of eight threads, with redis and a worker.

    As its own Dockerfile and compose file run it. What it learns from lies in a file.
    """

    name = "label-studio-ml 1.0.9"

    def __init__(self) -> None:
        super().__init__()
        self._own: list[subprocess.Popen] = []
        self._redis: subprocess.Popen | None = None

    def require(self) -> None:
        if not (PEER.parent / ".installed").exists():
            raise SystemExit("The peer is not installed: make .bench/peer/.installed")
        if shutil.which("redis-server") is None:
            raise SystemExit(
                "redis-server is not installed. On Debian: apt-get install -y redis-server"
            )

    def start(self) -> None:
        self.require()
        self.folder = self._folder("peer")
        self.port, self._redis_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        (self.folder / "models").mkdir()
        (self.folder / "texts.json").write_text("[]")
        self._redis = self._run(
            "redis-server", "--port", str(self._redis_port), "--bind", "127.0.0.1",
            "--save", "", "--appendonly", "no", "--dir", str(self.folder),
        )  # fmt: skip
        self._closing.callback(servers.stop, self._redis)
        self._closing.callback(self._stop)
        time.sleep(0.5)
        self._start()

    def train(self, project: int, pairs: Sequence[tuple[str, str]]) -> None:
        (self.folder / "texts.json").write_text(json.dumps(list(pairs)))
        event = protocol.annotation_created(project, 1, *pairs[0])
        self.post("/webhook", event).raise_for_status()

    def processes(self) -> list[psutil.Process]:
        return [p for process in self._own for p in processes.tree(process.pid)]

    def services(self) -> dict[str, list[psutil.Process]]:
        return {"redis": processes.tree(self._redis.pid)} if self._redis else {}

    def _start(self) -> None:
        self._own = [
            self._run(
                str(PEER / "gunicorn"), "--preload", "--bind", f"127.0.0.1:{self.port}",
                "--workers", "1", "--threads", "8", "--timeout", "0", "wsgi:app",
            ),
            self._run(
                str(PEER / "rq"), "worker", "--quiet",
                "--url", f"redis://127.0.0.1:{self._redis_port}", "default",
            ),
        ]  # fmt: skip
        servers_up = time.monotonic() + 60
        while time.monotonic() < servers_up:
            with suppress(httpx.HTTPError):
                if httpx.get(f"{self.url}/health", timeout=5).status_code == 200:
                    return
            time.sleep(0.02)
        raise SystemExit(f"The peer does not start:\n{servers.tail(self.folder / 'log')}")

    def _stop(self) -> None:
        for process in self._own:
            servers.stop(process, signal.SIGTERM, patience_s=10)
        self._own = []

    def _restart(self, starting: Callable[[], None]) -> None:
        self._stop()
        starting()
        self._start()

    def _run(self, *command: str) -> subprocess.Popen:
        inherited = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR")
        env = {
            **{name: os.environ[name] for name in inherited if name in os.environ},
            "PYTHONPATH": str(Path(__file__).resolve().parents[1] / "peer"),
            "MODEL_DIR": str(self.folder / "models"),
            "PEER_TEXTS": str(self.folder / "texts.json"),
            "USE_REDIS": "true",
            "REDIS_PORT": str(self._redis_port),
        }
        return servers.start(list(command), env, self.folder / "log", self.folder)


class ByUrl(Subject):
    """A backend that runs already; a user and password in its URL are sent as basic credentials."""

    def __init__(self, url: str) -> None:
        super().__init__()
        parts = urlsplit(url.rstrip("/"))
        host = parts.netloc.rpartition("@")[2]
        self.name = host
        self.url = urlunsplit((parts.scheme, host, parts.path, "", ""))
        if parts.username:
            secret = f"{parts.username}:{parts.password or ''}".encode()
            self.headers["Authorization"] = f"Basic {base64.b64encode(secret).decode()}"

    @property
    def is_local(self) -> bool:
        return False


def subject(name: str, own: Callable[[], Own]) -> Subject:
    """The subject that `own`, `peer` or a URL names."""
    if name == "own":
        return own()
    return Peer() if name == "peer" else ByUrl(name)

"""A real Label Studio for the tests: started from a migrated copy, driven through its API.

`python -m tests.e2e.labelstudio_server` makes what is copied.
"""

import fcntl
import os
import re
import shutil
import signal
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from tests.e2e import processes
from tests.e2e.waiting import wait_for

if TYPE_CHECKING:
    from tests.e2e.server import Backend

ROOT = Path(__file__).resolve().parents[2]
HOME = ROOT / ".label-studio"
USER, PASSWORD = "admin@example.com", "adminadmin12"
TOKEN = "abcdef0123456789abcdef0123456789abcdef01"
IMPORT_TRIES = 3
FIRST_START_S, START_S = 300, 180  # 45 s and 5 s on an idle machine

CHOICES = """<View>
  <Text name="text" value="$text"/>
  <Choices name="label" toName="text"><Choice value="A"/><Choice value="B"/></Choices>
</View>"""


def venv() -> Path:
    """Label Studio's own virtual environment, which `make test` makes."""
    return Path(os.environ.get("LABEL_STUDIO_VENV") or HOME / "venv").resolve()


def why_not() -> str | None:
    """Why no Label Studio can be started here, or None."""
    if (venv() / "bin" / "label-studio").exists():
        return None
    return f"no Label Studio in {venv()}: run `make test`, or set LABEL_STUDIO_VENV"


def config(*labels: str, name: str = "label", field: str = "text", choice: str = "single") -> str:
    """A label config of one Choices on one Text."""
    from xml.sax.saxutils import quoteattr

    choices = "".join(f"<Choice value={quoteattr(label)}/>" for label in labels)
    return (
        f'<View><Text name="text" value="${field}"/>'
        f'<Choices name="{name}" toName="text" choice="{choice}">{choices}</Choices></View>'
    )


def region(label: str | Sequence[str], *, control: str = "label", obj: str = "text") -> dict:
    """The region that an annotator's choice makes."""
    choices = [label] if isinstance(label, str) else list(label)
    return {
        "from_name": control,
        "to_name": obj,
        "type": "choices",
        "value": {"choices": choices},
    }


class Refusal(AssertionError):
    """Label Studio answered with an error; `response` has it."""

    def __init__(self, response: httpx.Response) -> None:
        request = response.request
        super().__init__(
            f"{request.method} {request.url}: {response.status_code} {response.text[:1000]}"
        )
        self.response = response


class LabelStudioServer:
    """A running Label Studio: `url`, the legacy `token`, and what a user does with it."""

    def __init__(self, folder: Path, *, extra_env: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.log = folder.parent / f"{folder.name}.log"
        self.port = processes.free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.hostname = f"http://localhost:{self.port}"  # what /setup calls it
        self.token = TOKEN
        self._env = dict(extra_env or {})
        self._http = httpx.Client(base_url=self.url, timeout=120)
        self._http.headers["Authorization"] = f"Token {TOKEN}"
        self._process = None
        self._pat = ""

    # The process

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
            "LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED": "true",
            "LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT": str(self.files),
            **self._env,
        }

    def webhooks_given_up(self) -> int:
        """How many calls of webhooks have failed so far: it waits 1 s, and tells its log alone."""
        return len(re.findall(r"::run_webhook_sync::\d+\] \[ERROR\]", self.log.read_text()))

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

    # Its API

    def api(self, method: str, path: str, **kwargs: Any) -> Any:
        """Call its API with the legacy token; the decoded answer. Raises Refusal on an error."""
        return _decoded(self._http.request(method, path, **kwargs))

    @contextmanager
    def as_browser(self) -> Iterator[None]:
        """Within, `api` logs in as a browser does, which works with legacy tokens off too."""
        by_token = self._http
        with httpx.Client(base_url=self.url, timeout=120) as browser:
            browser.get("/user/login/")
            form = {"email": USER, "password": PASSWORD}
            form["csrfmiddlewaretoken"] = browser.cookies["csrftoken"]
            browser.post("/user/login/", data=form)
            browser.headers["X-CSRFToken"] = browser.cookies["csrftoken"]
            self._http = browser
            try:
                yield
            finally:
                self._http = by_token

    def personal_access_token(self) -> str:
        """A personal access token of the user; the one made first, as there can be only one."""
        if not self._pat:
            with self.as_browser():
                self._pat = self.api("POST", "/api/token/")["token"]
        return self._pat

    def legacy_tokens(self, enabled: bool) -> None:
        """Allow legacy tokens, or switch them off as new organisations have them."""
        wanted = {"api_tokens_enabled": True, "legacy_api_tokens_enabled": enabled}
        with self.as_browser():
            self.api("POST", "/api/jwt/settings", json=wanted)

    @contextmanager
    def without_legacy_tokens(self) -> Iterator[None]:
        """Legacy tokens are off within: `api` is refused, but for `as_browser`."""
        self.legacy_tokens(False)
        try:
            yield
        finally:
            self.legacy_tokens(True)

    def project(
        self, title: str = "a test", label_config: str = CHOICES, **fields: Any
    ) -> "LSProject":
        """Make a project."""
        made = self.api(
            "POST", "/api/projects/", json={"title": title, "label_config": label_config, **fields}
        )
        return LSProject(self, made["id"], made["created_at"])


class LSProject:
    """A project in Label Studio, and what its people do in it."""

    def __init__(self, server: LabelStudioServer, pk: int, created_at: str) -> None:
        self.server, self.id = server, pk
        self.uid = f"{pk}.{int(datetime.fromisoformat(created_at).timestamp())}"

    def api(self, method: str, path: str, **kwargs: Any) -> Any:
        """Label Studio's API, as in `LabelStudioServer.api`."""
        return self.server.api(method, path, **kwargs)

    def info(self) -> dict[str, Any]:
        """The project with its counters."""
        return self.api("GET", f"/api/projects/{self.id}/")

    def change(self, **fields: Any) -> dict[str, Any]:
        """Change title, label_config, show_collab_predictions, ..."""
        return self.api("PATCH", f"/api/projects/{self.id}/", json=fields)

    def delete(self) -> None:
        """Delete it, which Label Studio tells nobody."""
        self.api("DELETE", f"/api/projects/{self.id}/")

    # Tasks

    def import_tasks(self, tasks: Sequence[dict[str, Any]]) -> list[int]:
        """Import tasks as Label Studio's JSON; their ids in order.

        Its SQLite may refuse a write while it serves others: what an import that failed has
        not made is imported again, so that a test has the tasks that it means to have.
        """
        wanted = list(tasks)
        known = self._task_ids()
        for _ in range(IMPORT_TRIES - 1):
            try:
                return self._import(wanted)
            except (Refusal, httpx.TransportError) as error:
                if isinstance(error, Refusal) and error.response.status_code < 500:
                    raise
                if half := self._task_ids() - known:
                    self.action("delete_tasks", sorted(half))
        return self._import(wanted)

    def _import(self, tasks: list[dict[str, Any]]) -> list[int]:
        made = self.api(
            "POST",
            f"/api/projects/{self.id}/import",
            params={"return_task_ids": "true"},
            json=tasks,
        )["task_ids"]
        assert len(made) == len(tasks), f"{len(made)} of {len(tasks)} tasks were imported"
        return made

    def _task_ids(self) -> set[int]:
        """The ids of all tasks of the project, one light request."""
        params = {"project": self.id, "fields": "task_only", "page_size": 10_000, "include": "id"}
        return {task["id"] for task in self.api("GET", "/api/tasks", params=params)["tasks"]}

    def import_texts(self, texts: Iterable[str], field: str = "text") -> list[int]:
        """Import texts; their tasks' ids in order."""
        return self.import_tasks([{"data": {field: text}} for text in texts])

    def import_labelled(
        self, pairs: Iterable[tuple[str, str | Sequence[str]]], *, control: str = "label"
    ) -> list[int]:
        """Import (text, label) pairs as annotated tasks; their ids in order."""
        return self.import_tasks(
            [
                {
                    "data": {"text": text},
                    "annotations": [{"result": [region(label, control=control)]}],
                }
                for text, label in pairs
            ]
        )

    def tasks(self) -> list[dict[str, Any]]:
        """All tasks with annotations and predictions, by id."""
        params = {"project": self.id, "fields": "all", "page_size": 10_000}
        tasks = self.api("GET", "/api/tasks", params=params)["tasks"]
        return sorted(tasks, key=lambda task: task["id"])

    def open_task(self, task_id: int) -> dict[str, Any]:
        """The task as the editor gets it; Label Studio may ask the backend for a prediction."""
        return self.api("GET", f"/api/tasks/{task_id}/")

    def next_task(self) -> dict[str, Any]:
        """The next task of the label stream."""
        return self.api("GET", f"/api/projects/{self.id}/next")

    def edit_task(self, task_id: int, data: dict[str, Any]) -> None:
        """Change the task's data, which Label Studio tells nobody."""
        self.api("PATCH", f"/api/tasks/{task_id}/", json={"data": data})

    def delete_task(self, task_id: int) -> None:
        """Delete the task."""
        self.api("DELETE", f"/api/tasks/{task_id}/")

    # Annotations; each of these returns the annotation as Label Studio answers it

    def annotate(
        self,
        task_id: int,
        label: str | Sequence[str] | None,
        *,
        control: str = "label",
        obj: str = "text",
        result: list[dict] | None = None,
        **fields: Any,
    ) -> dict[str, Any]:
        """Submit an annotation with this label (None: an empty result)."""
        if result is None:
            result = [] if label is None else [region(label, control=control, obj=obj)]
        body = {"result": result, "lead_time": 1.0, **fields}
        return self.api("POST", f"/api/tasks/{task_id}/annotations/", json=body)

    def skip(self, task_id: int) -> dict[str, Any]:
        """Skip the task: a cancelled annotation."""
        return self.annotate(task_id, None, was_cancelled=True)

    def change_annotation(self, annotation_id: int, label: str | Sequence[str]) -> dict[str, Any]:
        """Give an annotation another label."""
        body = {"result": [region(label)]}
        return self.api("PATCH", f"/api/annotations/{annotation_id}/", json=body)

    def delete_annotation(self, annotation_id: int) -> None:
        """Delete an annotation."""
        self.api("DELETE", f"/api/annotations/{annotation_id}/")

    def turn_into_draft(self, annotation_id: int) -> dict[str, Any]:
        """Make a draft of an annotation, which Label Studio tells nobody."""
        return self.api("POST", f"/api/annotations/{annotation_id}/convert-to-draft")

    # The Data Manager

    def action(self, name: str, task_ids: Sequence[int] | None = None) -> Any:
        """An action of the Data Manager on these tasks, or on all."""
        chosen = (
            {"all": True, "excluded": []}
            if task_ids is None
            else {"all": False, "included": list(task_ids)}
        )
        return self.api(
            "POST",
            "/api/dm/actions",
            params={"id": name, "project": self.id},
            json={"selectedItems": chosen, "ordering": []},
        )

    def retrieve_predictions(self, task_ids: Sequence[int] | None = None) -> Any:
        """Press Retrieve Predictions."""
        return self.action("retrieve_tasks_predictions", task_ids)

    def predictions(self) -> dict[int, list[dict[str, Any]]]:
        """What Label Studio has stored, by task."""
        return {task["id"]: task["predictions"] for task in self.tasks()}

    # The backend

    def connect(
        self,
        backend: "Backend | str",
        *,
        basic_auth: tuple[str, str] | None = None,
        title: str = "evals",
        interactive: bool = True,
        **fields: Any,
    ) -> "Connection":
        """Connect the ML backend by its key URL, or by basic auth, as Settings > Model does."""
        url = (
            backend
            if isinstance(backend, str)
            else (backend.url if basic_auth else backend.key_url)
        )
        body = {"project": self.id, "url": url, "title": title, "is_interactive": interactive}
        if basic_auth:
            body |= {
                "auth_method": "BASIC_AUTH",
                "basic_auth_user": basic_auth[0],
                "basic_auth_pass": basic_auth[1],
            }
        return Connection(self, self.api("POST", "/api/ml/", json={**body, **fields})["id"])

    def backends(self) -> list[dict[str, Any]]:
        """The connected backends, as the settings page lists them."""
        return self.api("GET", "/api/ml", params={"project": self.id})

    def webhooks(self) -> list[dict[str, Any]]:
        """The project's webhooks."""
        return self.api("GET", "/api/webhooks/", params={"project": self.id})

    def change_webhook(self, pk: int, **fields: Any) -> dict[str, Any]:
        """Change a webhook."""
        return self.api("PATCH", f"/api/webhooks/{pk}/", json=fields)

    def add_webhook(self, url: str, **fields: Any) -> dict[str, Any]:
        """Add a webhook for all actions."""
        body = {"project": self.id, "url": url, "send_for_all_actions": True, **fields}
        return self.api("POST", "/api/webhooks/", json=body)

    def delete_webhooks(self) -> None:
        """Take all webhooks away, so that nothing is announced any more."""
        for webhook in self.webhooks():
            self.api("DELETE", f"/api/webhooks/{webhook['id']}/")


class Connection:
    """A connected ML backend, and its buttons."""

    def __init__(self, project: LSProject, pk: int) -> None:
        self.project, self.id = project, pk

    def info(self) -> dict[str, Any]:
        """Its row: state, error_message, model_version, ..."""
        return self.project.api("GET", f"/api/ml/{self.id}")

    def edit(self, **fields: Any) -> dict[str, Any]:
        """Change it; Label Studio needs the url and the project in every change."""
        body = {"project": self.project.id, "url": self.info()["url"], **fields}
        return self.project.api("PATCH", f"/api/ml/{self.id}", json=body)

    def delete(self) -> None:
        """Disconnect it; its webhook stays."""
        self.project.api("DELETE", f"/api/ml/{self.id}")

    def train(self) -> None:
        """Press Start Training."""
        self.project.api("POST", f"/api/ml/{self.id}/train", json={"use_ground_truth": False})

    def versions(self) -> Any:
        """What it lists as versions."""
        return self.project.api("GET", f"/api/ml/{self.id}/versions")

    def test(self) -> Any:
        """Press Send Test Request."""
        return self.project.api(
            "POST", f"/api/ml/{self.id}/predict/test", params={"random": "true"}, json={}
        )

    def interact(self, task_id: int, context: Any = None) -> Any:
        """What the editor's smart tools ask."""
        return self.project.api(
            "POST",
            f"/api/ml/{self.id}/interactive-annotating",
            json={"task": task_id, "context": context},
        )


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


def _decoded(response: httpx.Response) -> Any:
    if response.status_code >= 400:
        raise Refusal(response)
    return response.json() if response.content else None


if __name__ == "__main__":
    template()

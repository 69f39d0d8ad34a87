"""A project in a real Label Studio, and what its annotators and its settings page do in it."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import quoteattr

import httpx

from tests.e2e.labelstudio_client import Refusal

if TYPE_CHECKING:
    from tests.e2e.labelstudio_server import LabelStudioServer
    from tests.e2e.server import Backend

IMPORT_TRIES = 3

CHOICES = """<View>
  <Text name="text" value="$text"/>
  <Choices name="label" toName="text"><Choice value="A"/><Choice value="B"/></Choices>
</View>"""


def config(*labels: str, name: str = "label", field: str = "text", choice: str = "single") -> str:
    """A label config of one Choices on one Text."""
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


class LSProject:
    """A project in Label Studio, and what its people do in it."""

    def __init__(self, server: "LabelStudioServer", pk: int, created_at: str) -> None:
        self.server, self.id = server, pk
        self.wait_for_web: Callable[[], None] = lambda: None  # once a backend is connected
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
        ids = list(tasks)
        known = self._task_ids()
        for _ in range(IMPORT_TRIES - 1):
            try:
                return self._import(ids)
            except (Refusal, httpx.TransportError) as error:
                if isinstance(error, Refusal) and error.response.status_code < 500:
                    raise
                if half := self._task_ids() - known:
                    self.action("delete_tasks", sorted(half))
        return self._import(ids)

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
        self.wait_for_web()
        return self.api("GET", f"/api/tasks/{task_id}/")

    def next_task(self) -> dict[str, Any]:
        """The next task of the label stream."""
        self.wait_for_web()
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
        self.wait_for_web()
        return self.action("retrieve_tasks_predictions", task_ids)

    def predictions(self) -> dict[int, list[dict[str, Any]]]:
        """The predictions that Label Studio has stored, by task."""
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
        """Connect the ML backend by its key URL, or by basic auth, as Settings > Model does.

        Later predictions are requested once its processes have read the changed database.
        """
        if not isinstance(backend, str):
            self.wait_for_web = backend.wait_for_web
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
        """The connection's row: state, error_message, model_version, ..."""
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
        """The versions that Label Studio lists."""
        return self.project.api("GET", f"/api/ml/{self.id}/versions")

    def test(self) -> Any:
        """Press Send Test Request."""
        self.project.wait_for_web()
        return self.project.api(
            "POST", f"/api/ml/{self.id}/predict/test", params={"random": "true"}, json={}
        )

    def interact(self, task_id: int, context: Any = None) -> Any:
        """Sends the request of the editor's smart tools."""
        self.project.wait_for_web()
        return self.project.api(
            "POST",
            f"/api/ml/{self.id}/interactive-annotating",
            json={"task": task_id, "context": context},
        )

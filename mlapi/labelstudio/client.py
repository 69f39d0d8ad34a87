"""Label Studio's API as this backend needs it: one project's tasks, counts, webhooks and media."""

import contextlib
import math
import tempfile
from collections.abc import Iterable, Iterator
from typing import Any

import httpx
import ijson

from mlapi.labelstudio import response_schemas as schemas
from mlapi.labelstudio.errors import Missing, NotLabelStudio, Rejected
from mlapi.labelstudio.http import CONNECT_S
from mlapi.labelstudio.task_pages import TaskPages

# Label Studio composes the whole export before the first byte: up to 20 ms a task.
EXPORT_S = 120.0


class LabelStudio(TaskPages):
    """The API of one Label Studio, called with one token. Close it, or use it in a `with`.

    Every method raises a LabelStudioError (`errors`) that names the cause and the cure.
    """

    # The server and the project

    def health(self) -> None:
        """Returns if the URL is a Label Studio's; sends no token."""
        body = self.json("GET", "/health", auth=None)
        if not isinstance(body, dict) or body.get("status") != "UP":
            raise NotLabelStudio(f"{self.url}/health does not answer as Label Studio does")

    def whoami(self) -> dict[str, Any]:
        """The user of the token."""
        body = self.json("GET", "/api/current-user/whoami")
        return schemas.checked(body, schemas.ANY, "The token's user")

    def project(self, project_id: int) -> dict[str, Any]:
        """The project, with its label config and counters."""
        body = self.json("GET", f"/api/projects/{project_id}/")
        return schemas.checked(body, schemas.PROJECT, "The project")

    def ml_backends(self, project_id: int) -> list[dict[str, Any]]:
        """The ML backends connected to the project. Label Studio calls each of them first."""
        body = self.json("GET", "/api/ml", params={"project": project_id})
        return schemas.all_checked(body, schemas.BACKEND, "The list of ML backends")

    # Tasks; their pages are in `task_pages`

    def export(self, project_id: int, ids: Iterable[int] = ()) -> Iterator[dict[str, Any]]:
        """All tasks of the project, or those of `ids`, each with its annotations, streamed.

        Skipped annotations (`was_cancelled`) are included, drafts are not. Label Studio keeps a
        copy of each export on its disk, so this is for the first sync of a small project only. One
        task that it cannot return spoils the whole export.
        """
        params = [("exportType", "JSON"), ("download_all_tasks", "true")]
        params += [("ids[]", str(i)) for i in ids]
        with tempfile.TemporaryFile() as file:
            timeout = httpx.Timeout(EXPORT_S, connect=CONNECT_S)
            path = f"/api/projects/{project_id}/export"
            limits: Any = {"timeout": timeout, "exchange_s": EXPORT_S}
            with self.stream("GET", path, params=params, **limits) as response:
                for chunk in response.iter_bytes():
                    file.write(chunk)
            file.seek(0)
            if file.read(64).lstrip()[:1] != b"[":
                raise NotLabelStudio("Label Studio's export is not a list of tasks")
            file.seek(0)
            try:
                for task in ijson.items(file, "item", use_float=True):
                    yield schemas.checked(task, schemas.ANNOTATED_TASK, "A task of the export")
            except (ijson.JSONError, ValueError) as error:
                raise NotLabelStudio("Label Studio's export is not valid JSON") from error

    # Webhooks

    def webhooks(self, project_id: int) -> list[dict[str, Any]]:
        """The project's webhooks."""
        body = self.json("GET", "/api/webhooks/", params={"project": project_id})
        return schemas.all_checked(body, schemas.WEBHOOK, "The list of webhooks")

    def save_webhook(self, project_id: int, webhook: dict[str, Any]) -> dict[str, Any]:
        """Update the webhook if it has an `id`, else create it for the project."""
        pk = webhook.get("id")
        body = {k: v for k, v in webhook.items() if k != "id"}
        if pk:
            saved = self.json("PATCH", f"/api/webhooks/{pk}/", json=body)
        else:
            saved = self.json("POST", "/api/webhooks/", json={"project": project_id, **body})
        return schemas.checked(saved, schemas.WEBHOOK, "The webhook")

    def delete_webhook(self, pk: int) -> None:
        """Delete one of the project's webhooks."""
        self.request("DELETE", f"/api/webhooks/{pk}/")

    # The Data Manager

    def save_tab(self, project_id: int, tab: int | None, title: str, tasks: Iterable[int]) -> int:
        """Make a tab of these tasks, or give an existing one other tasks; its id.

        A tab that was closed in Label Studio is made anew. Each task is a filter of its own: a
        list of ids is an operator that the Data Manager's page does not have.
        """
        one = {"filter": "filter:tasks:id", "operator": "equal", "type": "Number"}
        filters = {"conjunction": "or", "items": [{**one, "value": task} for task in tasks]}
        body = {"project": project_id, "data": {"title": title, "filters": filters}}
        if tab is not None:
            with contextlib.suppress(Missing):
                path = f"/api/dm/views/{tab}/"
                params = {"project": project_id}
                saved = self.json("PATCH", path, params=params, json=body)
                return schemas.checked(saved, schemas.TAB, "The tab")["id"]
        saved = self.json("POST", "/api/dm/views/", params={"project": project_id}, json=body)
        return schemas.checked(saved, schemas.TAB, "The tab")["id"]

    # Media

    @contextlib.contextmanager
    def open(self, path: str, *, headers: dict[str, str] | None = None) -> Iterator[httpx.Response]:
        """Stream a file that Label Studio serves itself (`/data/...`)."""
        _require_own(path)
        with self.stream("GET", path, headers=headers) as response:
            yield response

    @contextlib.contextmanager
    def open_any_status(
        self, path: str, *, headers: dict[str, str], timeout_s: float
    ) -> Iterator[httpx.Response]:
        """As `open`, with a response of any status: a redirect (not followed), 304, 4xx or 5xx.

        `timeout_s` is for each step: to connect, to send, to read a chunk of the response.
        """
        _require_own(path)
        timeout = httpx.Timeout(timeout_s, connect=min(timeout_s, CONNECT_S))
        limits: Any = {"timeout": timeout, "exchange_s": math.inf}  # a file of any size
        with self.stream("GET", path, any_status=True, headers=headers, **limits) as response:
            yield response


def _require_own(path: str) -> None:
    if not path.startswith("/") or path.startswith("//"):
        raise Rejected("only paths of Label Studio itself are requested with its token")

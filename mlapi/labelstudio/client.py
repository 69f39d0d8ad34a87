"""Label Studio's API as this backend needs it: one project's tasks, counts, webhooks and media."""

import contextlib
import json
import tempfile
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import ijson
from more_itertools import chunked

from mlapi.labelstudio import response_schemas as schemas
from mlapi.labelstudio.errors import NotLabelStudio, Rejected
from mlapi.labelstudio.http import CONNECT_S, HttpClient

# Label Studio composes the whole export before the first byte: 1.4 ms a task.
EXPORT_READ_S = 600.0
PAGE_SIZE = 500  # tasks with annotations take Label Studio 5 ms each, without 1 ms
IDS_PER_REQUEST = 100  # they travel in the URL, which servers cut at 8 kB


class LabelStudio(HttpClient):
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

    # Tasks

    def export(self, project_id: int, ids: Iterable[int] = ()) -> Iterator[dict[str, Any]]:
        """All tasks of the project, or those of `ids`, each with its annotations, streamed.

        Skipped annotations (`was_cancelled`) are included, drafts are not. Label Studio keeps a
        copy of each export on its disk, so this is for the first sync only.
        """
        params = [("exportType", "JSON"), ("download_all_tasks", "true")]
        params += [("ids[]", str(i)) for i in ids]
        with tempfile.TemporaryFile() as file:
            timeout = httpx.Timeout(EXPORT_READ_S, connect=CONNECT_S)
            path = f"/api/projects/{project_id}/export"
            with self.stream("GET", path, params=params, timeout=timeout) as response:
                for chunk in response.iter_bytes():
                    file.write(chunk)
            file.seek(0)
            try:
                for task in ijson.items(file, "item", use_float=True):
                    yield schemas.checked(task, schemas.ANNOTATED_TASK, "A task of the export")
            except ijson.JSONError as error:
                raise NotLabelStudio("Label Studio's export is not valid JSON") from error

    def labelled_since(self, project_id: int, since: datetime) -> Iterator[list[dict[str, Any]]]:
        """Pages of the tasks with annotations and an `updated_at` after `since`.

        Retrieve Predictions sets every task's `updated_at`, so Label Studio is asked for those
        with annotations only. Its filters cannot nest an OR in an AND: labelled tasks come first,
        then those with skipped annotations, some of them twice.
        """
        touched = _filter("updated_at", "greater", "Datetime", _datetime(since))
        for counter in ("total_annotations", "cancelled_annotations"):
            filters = [touched, _filter(counter, "greater", "Number", 0)]
            yield from self._pages(project_id, filters, with_annotations=True)

    def all_tasks(self, project_id: int) -> Iterator[list[dict[str, Any]]]:
        """Pages of all tasks, with the number of their annotations, without the annotations."""
        return self._pages(project_id, [], with_annotations=False)

    def tasks(self, project_id: int, ids: Iterable[int]) -> Iterator[list[dict[str, Any]]]:
        """Pages of the tasks with these ids, with their annotations."""
        for batch in chunked(sorted(ids), IDS_PER_REQUEST):
            filters = [_filter("id", "in_list", "Number", batch)]
            yield from self._pages(project_id, filters, with_annotations=True)

    def _pages(
        self, project_id: int, filters: list[dict[str, Any]], *, with_annotations: bool
    ) -> Iterator[list[dict[str, Any]]]:
        """In order of id, each after the last id of the one before: deletions shift no page.

        `review` keeps Label Studio from requesting predictions for the page from this backend,
        which it does for a project that evaluates predictions automatically.
        """
        last = 0
        fields = schemas.ANNOTATED_TASK if with_annotations else schemas.COUNTED_TASK
        while True:
            after = _filter("id", "greater", "Number", last)
            query = {
                "filters": {"conjunction": "and", "items": [after, *filters]},
                "ordering": ["tasks:id"],
            }
            params = {
                "project": project_id,
                "page_size": PAGE_SIZE,
                "review": "true",
                "resolve_uri": "false",
                "query": json.dumps(query),
            }
            if with_annotations:
                params["fields"] = "all"
            body = self.json("GET", "/api/tasks", params=params)
            listed = schemas.checked(body, schemas.ANY, "The list of tasks").get("tasks")
            page = schemas.all_checked(listed, fields, "The list of tasks")
            if page:
                yield page
                last = page[-1]["id"]
            if len(page) < PAGE_SIZE:
                return

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
        with self.stream(
            "GET", path, any_status=True, headers=headers, timeout=timeout
        ) as response:
            yield response


def _require_own(path: str) -> None:
    if not path.startswith("/") or path.startswith("//"):
        raise Rejected("only paths of Label Studio itself are requested with its token")


def _filter(column: str, operator: str, kind: str, value: Any) -> dict[str, Any]:
    """A filter of the Data Manager on a column of the tasks."""
    return {
        "filter": f"filter:tasks:{column}",
        "operator": operator,
        "type": kind,
        "value": value,
    }


def _datetime(when: datetime) -> str:
    """A time in the only format that the Data Manager's filters accept."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

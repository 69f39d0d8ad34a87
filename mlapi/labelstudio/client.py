"""Label Studio's API as this backend needs it: one project's tasks, counts, webhooks and media.

On httpx rather than on `label_studio_sdk`'s client: that one builds typed objects of every
task (slow at 100,000, and it fails where Label Studio adds a value), follows redirects,
repeats failed calls on its own and takes 2 s to import. Its rules for the two kinds of
token are in `tokens`.
"""

import contextlib
import json
import tempfile
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import ijson

from . import response_schemas as schemas
from . import tokens
from .errors import (
    Forbidden,
    LabelStudioError,
    LegacyTokenDisabled,
    Missing,
    NotLabelStudio,
    Redirected,
    Rejected,
    ServerError,
    TimedOut,
    TokenInvalid,
    Unreachable,
)

CONNECT_S = 5.0
READ_S = 60.0
# Label Studio composes the whole export before the first byte: 1.4 ms a task.
EXPORT_READ_S = 600.0
PAGE_SIZE = 500  # tasks with annotations take Label Studio 5 ms each, without 1 ms
IDS_PER_REQUEST = 100  # they travel in the URL, which servers cut at 8 kB


class LabelStudio:
    """One Label Studio, reached with one key. Close it, or use it in a `with`.

    Every method raises a LabelStudioError (`errors`) that names the cause and the cure.
    """

    def __init__(self, url: str, key: str, *, read_timeout_s: float = READ_S) -> None:
        self.url = url.rstrip("/")
        self.clock = datetime.now(UTC)  # Label Studio's own, as of its last answer
        self._http = httpx.Client(
            auth=tokens.auth(key, self.url) if key else None,
            timeout=httpx.Timeout(read_timeout_s, connect=CONNECT_S),
            follow_redirects=False,  # the token goes nowhere but to this URL
            headers={"User-Agent": "evals-backend"},
        )

    def __enter__(self) -> "LabelStudio":
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    # What is there

    def health(self) -> None:
        """Returns if a Label Studio answers at this URL; sends no token."""
        answer = self._json("GET", "/health", auth=None)
        if not isinstance(answer, dict) or answer.get("status") != "UP":
            raise NotLabelStudio(f"{self.url}/health does not answer as Label Studio does")

    def whoami(self) -> dict[str, Any]:
        """The user whose key it is."""
        answer = self._json("GET", "/api/current-user/whoami")
        return schemas.checked(answer, schemas.ANY, "The token's user")

    def project(self, project_id: int) -> dict[str, Any]:
        """The project as Label Studio has it, label config and counters included."""
        answer = self._json("GET", f"/api/projects/{project_id}/")
        return schemas.checked(answer, schemas.PROJECT, "The project")

    def ml_backends(self, project_id: int) -> list[dict[str, Any]]:
        """The ML backends connected to the project. Label Studio calls each of them meanwhile."""
        answer = self._json("GET", "/api/ml", params={"project": project_id})
        return schemas.all_checked(answer, schemas.BACKEND, "The list of ML backends")

    # Tasks

    def export(self, project_id: int, ids: Iterable[int] = ()) -> Iterator[dict[str, Any]]:
        """All tasks of the project, or those of `ids`, each with its annotations, streamed.

        Skipped annotations (`was_cancelled`) are among them, drafts are not. Label Studio
        keeps a copy of each export on its disk, so this is for the first time, not for
        reconciling.
        """
        params = [("exportType", "JSON"), ("download_all_tasks", "true")]
        params += [("ids[]", str(i)) for i in ids]
        with tempfile.TemporaryFile() as file:
            timeout = httpx.Timeout(EXPORT_READ_S, connect=CONNECT_S)
            path = f"/api/projects/{project_id}/export"
            with self._stream("GET", path, params=params, timeout=timeout) as response:
                for chunk in response.iter_bytes():
                    file.write(chunk)
            file.seek(0)
            try:
                for task in ijson.items(file, "item", use_float=True):
                    yield schemas.checked(task, schemas.ANNOTATED_TASK, "A task of the export")
            except ijson.JSONError as error:
                raise NotLabelStudio(
                    "Label Studio's export is not the JSON it should be"
                ) from error

    def labelled_since(self, project_id: int, since: datetime) -> Iterator[list[dict[str, Any]]]:
        """Pages of the tasks with annotations touched after `since`.

        Retrieve Predictions touches every task's `updated_at`, so those without annotations
        are left out by Label Studio already. Its filters cannot nest an OR in an AND:
        labelled tasks come first, then those with skipped annotations, some of them twice.
        """
        touched = _filter("updated_at", "greater", "Datetime", _datetime(since))
        for counter in ("total_annotations", "cancelled_annotations"):
            filters = [touched, _filter(counter, "greater", "Number", 0)]
            yield from self._pages(project_id, filters, with_annotations=True)

    def all_tasks(self, project_id: int) -> Iterator[list[dict[str, Any]]]:
        """Pages of all tasks, without their annotations but with the number of them."""
        return self._pages(project_id, [], with_annotations=False)

    def tasks(self, project_id: int, ids: Iterable[int]) -> Iterator[list[dict[str, Any]]]:
        """Pages of the tasks with these ids, with their annotations."""
        wanted = sorted(ids)
        for start in range(0, len(wanted), IDS_PER_REQUEST):
            some = _filter("id", "in_list", "Number", wanted[start : start + IDS_PER_REQUEST])
            yield from self._pages(project_id, [some], with_annotations=True)

    def _pages(
        self, project_id: int, filters: list[dict[str, Any]], *, with_annotations: bool
    ) -> Iterator[list[dict[str, Any]]]:
        """By id upwards, each from where the last one ended: no deletion shifts a later page.

        `review` keeps Label Studio from asking the ML backend, us, for predictions of the
        page, which it does for a project that evaluates predictions automatically.
        """
        last = 0
        wanted = schemas.ANNOTATED_TASK if with_annotations else schemas.COUNTED_TASK
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
            answer = self._json("GET", "/api/tasks", params=params)
            listed = schemas.checked(answer, schemas.ANY, "The list of tasks").get("tasks")
            page = schemas.all_checked(listed, wanted, "The list of tasks")
            if page:
                yield page
                last = page[-1]["id"]
            if len(page) < PAGE_SIZE:
                return

    # Webhooks

    def webhooks(self, project_id: int) -> list[dict[str, Any]]:
        """The project's webhooks."""
        answer = self._json("GET", "/api/webhooks/", params={"project": project_id})
        return schemas.all_checked(answer, schemas.WEBHOOK, "The list of webhooks")

    def save_webhook(self, project_id: int, webhook: dict[str, Any]) -> dict[str, Any]:
        """Change the webhook if it has an `id`, else create it for the project."""
        pk = webhook.get("id")
        body = {k: v for k, v in webhook.items() if k != "id"}
        if pk:
            saved = self._json("PATCH", f"/api/webhooks/{pk}/", json=body)
        else:
            saved = self._json("POST", "/api/webhooks/", json={"project": project_id, **body})
        return schemas.checked(saved, schemas.WEBHOOK, "The webhook")

    def delete_webhook(self, pk: int) -> None:
        """Delete one of the project's webhooks."""
        self._request("DELETE", f"/api/webhooks/{pk}/")

    # Media

    @contextlib.contextmanager
    def open(self, path: str, *, headers: dict[str, str] | None = None) -> Iterator[httpx.Response]:
        """A file that Label Studio serves itself (`/data/...`), as a response to be streamed."""
        _require_own(path)
        with self._stream("GET", path, headers=headers) as response:
            yield response

    @contextlib.contextmanager
    def answer(
        self, path: str, *, headers: dict[str, str], timeout_s: float
    ) -> Iterator[httpx.Response]:
        """As `open`, but any answer, unread: a redirect (which is not followed), 304, a refusal.

        `timeout_s` is for each step: to connect, to send, to wait for a piece of the answer.
        """
        _require_own(path)
        timeout = httpx.Timeout(timeout_s, connect=min(timeout_s, CONNECT_S))
        with self._stream("GET", path, any_status=True, headers=headers, timeout=timeout) as found:
            yield found

    # One request

    def _json(self, method: str, path: str, **kwargs: Any) -> Any:
        response = self._request(method, path, **kwargs)
        try:
            return response.json()
        except (ValueError, RecursionError) as error:  # no JSON, no UTF-8, or nested without end
            raise NotLabelStudio(f"{self.url}{path} does not answer with JSON") from error

    def _request(self, method: str, path: str, **kwargs: Any) -> httpx.Response:
        with self._stream(method, path, **kwargs) as response:
            response.read()
            return response

    @contextlib.contextmanager
    def _stream(
        self, method: str, path: str, *, any_status: bool = False, **kwargs: Any
    ) -> Iterator[httpx.Response]:
        try:
            with self._http.stream(method, self.url + path, **kwargs) as response:
                self.clock = _date_of(response)
                if response.status_code >= 300 and not any_status:
                    response.read()
                    raise _error_of(response, f"{method} {path}")
                yield response
        except tokens.ExchangeRefused as refused:
            raise _error_of(refused.response, "POST /api/token/refresh/") from refused
        except httpx.TimeoutException as error:
            if isinstance(error, httpx.ConnectTimeout):
                raise Unreachable(f"{self.url} does not answer") from error
            raise TimedOut(f"{method} {path} took Label Studio too long") from error
        except httpx.LocalProtocolError:
            # Its text has the whole header, so neither it nor its traceback may be seen.
            raise TokenInvalid("The token has characters that no token has") from None
        except httpx.DecodingError as error:
            raise NotLabelStudio(f"{self.url}{path} answers what cannot be unpacked") from error
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise Unreachable(f"{self.url} cannot be reached: {error}") from error


def _require_own(path: str) -> None:
    if not path.startswith("/") or path.startswith("//"):
        raise Rejected("only paths of Label Studio itself are fetched with its token")


def _filter(column: str, operator: str, kind: str, value: Any) -> dict[str, Any]:
    """A filter of the Data Manager on a column of the tasks."""
    return {
        "filter": f"filter:tasks:{column}",
        "operator": operator,
        "type": kind,
        "value": value,
    }


def _date_of(response: httpx.Response) -> datetime:
    """When Label Studio answered, by its own clock; by ours, if it does not say."""
    try:
        date = parsedate_to_datetime(response.headers["date"])
        return date if date.tzinfo else date.replace(tzinfo=UTC)
    except (KeyError, ValueError):
        return datetime.now(UTC)


def _datetime(moment: datetime) -> str:
    """The only form of a time that the Data Manager's filters read."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _error_of(response: httpx.Response, call: str) -> LabelStudioError:
    """The error that Label Studio's answer amounts to."""
    status, detail = response.status_code, _detail(response)
    said = f"{call} answered {status}" + (f": {detail}" if detail else "")
    if status < 300:
        return NotLabelStudio(f"{call} does not answer as Label Studio does")
    if status < 400:
        return Redirected(f"{call} is redirected to {response.headers.get('location', 'nowhere')}")
    if status == 401 and "legacy token" in detail:
        return LegacyTokenDisabled("Label Studio has legacy tokens switched off")
    if status == 401:
        return TokenInvalid(f"Label Studio does not accept the token ({said})")
    if status == 403:
        return Forbidden(f"The token's user may not do this ({said})")
    if status == 404:
        return Missing(f"Label Studio does not have it ({said})")
    if status >= 500:
        return ServerError(said)
    return Rejected(said)


def _detail(response: httpx.Response) -> str:
    """Label Studio's own words about a refused request, on one line."""
    try:
        body = response.json()
    except (ValueError, RecursionError):
        return ""
    if not isinstance(body, dict):
        return ""
    errors = body.get("validation_errors")
    words = json.dumps(errors) if errors else str(body.get("detail") or "")
    return " ".join(words.split())[:300]

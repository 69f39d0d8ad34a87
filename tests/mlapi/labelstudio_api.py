"""A stand-in for Label Studio's API on the loopback: what a sync reads of one project.

It answers as Label Studio 1.23.2 on SQLite does, also where that fails: lists and exports with a
task that it cannot write as JSON are 500, and the data of files and storages are sent under the
first field of today's label config. `gateway` stands before it and may answer in its place.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from mlapi.labelstudio.label_config import parse
from tests.http_server import serve

UNDEFINED = "$undefined$"
CREATED = "2026-11-23T07:52:39.864681Z"
UID = "1.1795420359"
_START = datetime(2026, 11, 23, 8, tzinfo=UTC)
_BROKEN = b"<html>500</html>"

Gateway = Callable[["Call"], tuple[int, bytes] | None]


@dataclass
class Call:
    """A request: its path and parameters."""

    path: str
    params: dict[str, str]

    @property
    def has_data(self) -> bool:
        """Whether the answer has the tasks' data."""
        return "include" not in self.params


@dataclass
class LabelStudioAPI:
    """A project with its tasks; use it in a `with`, and then `url`."""

    label_config: str
    tasks: dict[int, dict[str, Any]] = field(default_factory=dict)
    gateway: Gateway = lambda call: None
    calls: list[Call] = field(default_factory=list)
    created: str = CREATED
    address: tuple[str, int] = ("127.0.0.1", 0)
    url: str = ""

    def add(self, data: dict[str, Any], label: str | None = None) -> int:
        """A task, with an annotation of this label; its id."""
        number = max(self.tasks, default=0) + 1
        at = _time(_START + timedelta(seconds=number))
        annotations = []
        if label is not None:
            region = {
                "from_name": "label",
                "to_name": "text",
                "type": "choices",
                "value": {"choices": [label]},
            }
            annotations = [
                {
                    "id": number,
                    "result": [region],
                    "was_cancelled": False,
                    "ground_truth": True,
                    "completed_by": 1,
                    "created_at": at,
                    "updated_at": at,
                    "parent_prediction": None,
                }
            ]
        self.tasks[number] = {
            "id": number,
            "data": data,
            "annotations": annotations,
            "predictions": [],
            "created_at": at,
            "updated_at": at,
            "total_annotations": len(annotations),
            "cancelled_annotations": 0,
        }
        return number

    def as_sent(self, task: dict[str, Any]) -> dict[str, Any]:
        """The task as the API sends it: data without a field goes under the first of the config."""
        if not isinstance(task["data"], dict):
            return task
        data = dict(task["data"])
        fields = [o.field for o in parse(self.label_config).objects.values() if o.field]
        if UNDEFINED in data and fields:
            data[fields[0]] = data.pop(UNDEFINED)
        return {**task, "data": data}

    def answer(self, call: Call) -> tuple[int, bytes]:
        """Status and body."""
        self.calls.append(call)
        if (found := self.gateway(call)) is not None:
            return found
        if call.path == "/health":
            return _json({"status": "UP"})
        if call.path == "/api/current-user/whoami":
            return _json({"email": "admin@example.com"})
        if call.path == "/api/projects/1/":
            return _json(self._project())
        if call.path == "/api/projects/1/export":
            ids = [int(i) for i in call.params.get("ids[]", "").split(",") if i]
            return _json([self.as_sent(t) for t in self._ordered() if not ids or t["id"] in ids])
        if call.path == "/api/tasks":
            return self.list_tasks(call.params)
        if call.path in ("/api/ml", "/api/webhooks/"):
            return _json([])
        return 404, b"{}"

    def _ordered(self) -> list[dict[str, Any]]:
        return [self.tasks[pk] for pk in sorted(self.tasks)]

    def _project(self) -> dict[str, Any]:
        counts = [t["total_annotations"] for t in self.tasks.values()]
        return {
            "id": 1,
            "created_at": self.created,
            "title": "a stand-in",
            "label_config": self.label_config,
            "task_number": len(counts),
            "total_annotations_number": sum(counts),
            "skipped_annotations_number": 0,
        }

    def list_tasks(self, params: dict[str, str]) -> tuple[int, bytes]:
        """Status and body of a list of tasks, without the gateway."""
        items = json.loads(params["query"])["filters"]["items"]
        found = [t for t in self._ordered() if all(_passes(t, item) for item in items)]
        page = [self.as_sent(t) for t in found[: int(params["page_size"])]]
        if params.get("fields") != "all":
            page = [{k: v for k, v in t.items() if k != "annotations"} for t in page]
        if include := params.get("include"):
            names = include.split(",")
            page = [{k: _included(v, names) for k, v in t.items() if k in names} for t in page]
        return _json({"tasks": page, "total": len(found)})

    def __enter__(self) -> "LabelStudioAPI":
        api = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                params = {k: ",".join(v) for k, v in parse_qs(parts.query).items()}
                status, body = api.answer(Call(parts.path, params))
                if status == CUT:
                    self.send_response(200)
                    self.send_header("Content-Length", str(len(body) + 100))
                    self.end_headers()
                    self.wfile.write(body)
                    self.close_connection = True
                    return
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(self.address, Handler)
        self.url = f"http://{self.address[0]}:{self._server.server_port}"
        serve(self._server)
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()


CUT = -1  # in place of a status: the connection is cut within the body


def _time(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def _json(value: Any) -> tuple[int, bytes]:
    """The answer; 500 for half an emoji, which no UTF-8 can hold."""
    try:
        return 200, json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return 500, _BROKEN


def _included(value: Any, names: list[str]) -> Any:
    if isinstance(value, list):
        return [{k: v for k, v in item.items() if k in names} for item in value]
    return value


def _passes(task: dict[str, Any], item: dict[str, Any]) -> bool:
    value, operand = task[item["filter"].removeprefix("filter:tasks:")], item["value"]
    match item["operator"]:
        case "greater":
            return value > operand
        case "less":
            return value < operand
        case "in_list":
            return value in operand
    raise AssertionError(item)

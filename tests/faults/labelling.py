"""People who label in Label Studio: the requests that a running server gets of them."""

import json
import urllib.request
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.error import HTTPError

from tests.evals_backend.running import Server
from tests.mlapi.labelstudio.webhooks import CONFIG, annotated
from tests.postgres import connect

WORDS = {"Positive": "good fine lovely", "Negative": "bad awful poor"}
_EPOCH = datetime(2026, 11, 23, 8, tzinfo=UTC)


class Project:
    """A project of Label Studio, whose events go to a server."""

    def __init__(self, server: Server, key: str, number: int = 1) -> None:
        self.server, self.number = server, number
        self._key = key
        self._created = (_EPOCH + timedelta(minutes=number)).isoformat().replace("+00:00", "Z")
        self.uid = f"{number}.{int((_EPOCH + timedelta(minutes=number)).timestamp())}"
        self._minute = 0.0

    def at(self, server: Server) -> "Project":
        """The same project, whose events go to another server."""
        other = Project(server, self._key, self.number)
        other._minute = self._minute
        return other

    def post(self, route: str, body: dict[str, Any]) -> tuple[int, Any]:
        """Status and body of an answer. Raises OSError where the connection was lost."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.server.port}/k/{self._key}/{route}",
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.loads(answer.read())
        except HTTPError as refused:
            return refused.code, refused.headers.get("Retry-After")

    def setup(self) -> str | None:
        """Connect it; the version that serves."""
        body = {"project": self.uid, "schema": CONFIG, "hostname": "", "access_token": ""}
        status, answer = self.post("setup", body)
        assert status == 200, answer
        return answer["model_version"]

    def label(self, task: int, label: str, text: str | None = None) -> int:
        """Label a task, or change its label; the status of the answer to its event."""
        self._minute += 1
        payload = annotated(task, task, label, made=0, updated=self._minute)
        payload["task"]["data"] = {"text": text or f"{WORDS[label]} {task}"}
        return self._event("ANNOTATION_UPDATED", payload)

    def start_training(self) -> int:
        """Press Start Training."""
        return self._event("START_TRAINING", {})

    def predict(self, number: int = 4, texts: Sequence[str] = ()) -> tuple[int, Any]:
        """Status and answer for some tasks, or for tasks of these texts."""
        texts = texts or [WORDS["Positive" if i % 2 else "Negative"] for i in range(number)]
        tasks = [{"id": 10**6 + i, "data": {"text": text}} for i, text in enumerate(texts)]
        return self.post("predict", {"project": self.uid, "label_config": CONFIG, "tasks": tasks})

    def _event(self, action: str, payload: dict[str, Any]) -> int:
        project = {"id": self.number, "title": "labelled", "created_at": self._created}
        project["label_config"] = CONFIG
        return self.post("webhook", {**payload, "action": action, "project": project})[0]


def rows(server: Server, statement: str, *values: Any) -> list[tuple]:
    """The rows of a query in the server's own PostgreSQL."""
    with closing(connect(server.data_dir)) as session, session.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()

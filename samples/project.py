"""A sample project: what Label Studio would send for it, to the URL with its key."""

import time
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import count
from typing import Any

import httpx

_CREATED = datetime(2026, 1, 5, 9, tzinfo=UTC)
_TRAINING_S, _SERVED_S = 900.0, 120.0
Labelled = tuple[dict[str, str], str]  # a task's data and its label


class TrainingFailed(Exception):
    """A training of a sample ended without success; the message has its reason."""


class SampleProject:
    """A project with a control and the object tag that it is of, both named in `config`."""

    def __init__(
        self, url: str, number: int, title: str, config: str, control: str, source: str
    ) -> None:
        self._http = httpx.Client(base_url=url, timeout=120)
        self._number = number
        self.title = title
        self.config = config
        self._control, self._object = control, source
        self.uid = f"{number}.{int(_CREATED.timestamp())}"
        self._ids = count(1)

    def connect(self) -> None:
        """As Label Studio does when the URL is pasted."""
        self._served()
        self._post("/webhook", {"action": "PROJECT_UPDATED", "project": self._project()})

    def learn_from(self, labelled: Iterable[Labelled]) -> None:
        """Train on these and all before, until the new version serves. Raises TrainingFailed."""
        before = self._served()
        tasks = [self._annotated(*one) for one in labelled]
        job = self._post("/train", {"project": self.uid, "annotations": tasks})["job"]
        self._wait_for(job)
        deadline = time.monotonic() + _SERVED_S
        while self._served() == before:
            if time.monotonic() > deadline:
                raise TrainingFailed(f"{self.title}: the new version does not serve.")
            time.sleep(0.2)

    def label(self, labelled: Iterable[Labelled]) -> None:
        """Ask for predictions of new tasks, then label them one by one."""
        tasks = [self._annotated(*one) for one in labelled]
        unlabelled = [task | {"annotations": []} for task in tasks]
        body = {"project": self.uid, "label_config": self.config, "tasks": unlabelled}
        self._post("/predict", body)
        for task in tasks:
            body = {"action": "ANNOTATION_CREATED", "project": self._project(), "task": task}
            self._post("/webhook", body | {"annotation": task["annotations"][0]})

    def add(self, tasks: Iterable[dict[str, str]]) -> None:
        """Tasks that nobody has labelled."""
        body = {"action": "TASKS_CREATED", "project": self._project()}
        self._post("/webhook", body | {"tasks": [self._task(data) for data in tasks]})

    def _served(self) -> str | None:
        """The version that serves, as Label Studio reads it."""
        return self._post("/setup", {"project": self.uid, "schema": self.config})["model_version"]

    def _wait_for(self, job: str) -> None:
        deadline = time.monotonic() + _TRAINING_S
        while time.monotonic() < deadline:
            status = self._post("/job_status", {"job": job})
            if status["job_status"] == "finished":
                return
            if status["job_status"] in ("failed", "canceled"):
                raise TrainingFailed(f"{self.title}: {status['error']}")
            time.sleep(0.5)
        raise TrainingFailed(f"{self.title}: the training took over {_TRAINING_S:.0f} s.")

    def _annotated(self, data: dict[str, str], label: str) -> dict[str, Any]:
        task = self._task(data)
        result = {
            "from_name": self._control,
            "to_name": self._object,
            "type": "choices",
            "value": {"choices": [label]},
        }
        annotation = {
            "id": task["id"],
            "task": task["id"],
            "result": [result],
            "was_cancelled": False,
            "ground_truth": False,
            "completed_by": 1 + task["id"] // 4 % 2,
            "created_at": task["created_at"],
            "updated_at": task["created_at"],
        }
        return task | {"annotations": [annotation], "total_annotations": 1}

    def _task(self, data: dict[str, str]) -> dict[str, Any]:
        now = datetime.now(UTC).isoformat()
        return {
            "id": self._number * 100_000 + next(self._ids),
            "data": data,
            "created_at": now,
            "updated_at": now,
            "total_annotations": 0,
            "cancelled_annotations": 0,
            "annotations": [],
        }

    def _project(self) -> dict[str, Any]:
        return {
            "id": self._number,
            "title": self.title,
            "label_config": self.config,
            "created_at": _CREATED.isoformat(),
        }

    def _post(self, route: str, body: dict[str, Any]) -> dict[str, Any]:
        return self._http.post(route, json=body).raise_for_status().json()

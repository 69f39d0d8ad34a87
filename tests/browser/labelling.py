"""Label Studio's side of a project over HTTP: labels to train on, and labels to evaluate by."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import count
from typing import Any

import httpx

from tests.e2e.server import Backend
from tests.e2e.texts import pairs

CREATED = datetime(2026, 11, 2, 9, tzinfo=UTC)
Labelled = tuple[str, str]  # a text and its label


def noisy(n: int, labels: str = "ABCD", seed: int = 0, wrong_every: int = 7) -> list[Labelled]:
    """`n` labelled texts of which every so many is labelled wrong, as humans do."""
    return [
        (text, labels[(labels.index(label) + 1) % len(labels)] if i % wrong_every == 0 else label)
        for i, (text, label) in enumerate(pairs(n, labels, seed))
    ]


class Labelling:
    """A project of Choices on Text, labelled by `learn_from` and `label`."""

    def __init__(self, backend: Backend, number: int, title: str, labels: Sequence[str]) -> None:
        self.backend = backend
        self.number = number
        self.title = title
        self.uid = f"{number}.{int(CREATED.timestamp())}"
        choices = "".join(f'<Choice value="{label}"/>' for label in labels)
        self.config = (
            '<View><Text name="text" value="$text"/>'
            f'<Choices name="label" toName="text" choice="single">{choices}</Choices></View>'
        )
        self._ids = count(1)

    def connect(self) -> "Labelling":
        """What Label Studio does when the URL is pasted, and its first webhook."""
        self._post("/setup", {"project": self.uid, "schema": self.config})
        self._post("/webhook", {"action": "PROJECT_UPDATED", "project": self._project()})
        return self

    def rename(self, old: str, new: str) -> None:
        """The label is called otherwise in the label config."""
        self.config = self.config.replace(f'"{old}"', f'"{new}"')
        self.connect()
        self.backend.wait_for(self._all_taken_in, f"the label config of {self.title}")

    def learn_from(self, labelled: Iterable[Labelled]) -> str:
        """Train at once on these and all before; the version that came of it."""
        before = self.backend.project(self.uid).get("version")
        tasks = [self._annotated(*one) for one in labelled]
        self._post("/train", {"project": self.uid, "annotations": tasks})
        return self.backend.wait_for_version(self.uid, after=before)["version"]

    def label(self, labelled: Iterable[Labelled]) -> None:
        """Ask for predictions first, then label: what came of each is an outcome."""
        tasks = [self._annotated(*one) for one in labelled]
        unlabelled = [task | {"annotations": []} for task in tasks]
        body = {"project": self.uid, "label_config": self.config, "tasks": unlabelled}
        self._post("/predict", body)
        for task in tasks:
            body = {"action": "ANNOTATION_CREATED", "project": self._project(), "task": task}
            self._post("/webhook", body | {"annotation": task["annotations"][0]})
        self.backend.wait_for(self._all_taken_in, f"the events of {self.title}")

    def add(self, texts: Iterable[str]) -> None:
        """Tasks that nobody has labelled."""
        tasks = [self._task(text) for text in texts]
        body = {"action": "TASKS_CREATED", "project": self._project(), "tasks": tasks}
        self._post("/webhook", body)
        self.backend.wait_for(self._all_taken_in, f"the new tasks of {self.title}")

    def _annotated(self, text: str, label: str) -> dict[str, Any]:
        task = self._task(text)
        result = {
            "from_name": "label",
            "to_name": "text",
            "type": "choices",
            "value": {"choices": [label]},
        }
        annotation = {
            "id": task["id"],
            "task": task["id"],
            "result": [result],
            "was_cancelled": False,
            "ground_truth": False,
            "completed_by": 1,
            "created_at": task["created_at"],
            "updated_at": task["created_at"],
        }
        return task | {"annotations": [annotation], "total_annotations": 1}

    def _task(self, text: str) -> dict[str, Any]:
        now = datetime.now(UTC).isoformat()
        return {
            "id": self.number * 100_000 + next(self._ids),
            "data": {"text": text},
            "created_at": now,
            "updated_at": now,
            "total_annotations": 0,
            "cancelled_annotations": 0,
            "annotations": [],
        }

    def _project(self) -> dict[str, Any]:
        return {
            "id": self.number,
            "title": self.title,
            "label_config": self.config,
            "created_at": CREATED.isoformat(),
        }

    def _all_taken_in(self) -> bool:
        return all(event["status"] != "received" for event in self.backend.events(self.uid))

    def _post(self, route: str, body: dict[str, Any]) -> None:
        answer = self.backend.post(route, body)
        assert answer.is_success, f"{route}: {answer.status_code} {answer.text}"


class Images(Labelling):
    """A project of images that annotators could name, and that nobody has labelled."""

    def __init__(self, backend: Backend, number: int, title: str) -> None:
        super().__init__(backend, number, title, ())
        self.config = (
            '<View><Image name="image" value="$image"/>'
            '<TextArea name="group" toName="image"/></View>'
        )

    def connect(self) -> "Images":
        """The first /setup is refused, and makes the project known; then its option is set."""
        self.backend.post("/setup", {"project": self.uid, "schema": self.config})
        self._post("/webhook", {"action": "PROJECT_UPDATED", "project": self._project()})
        self.backend.wait_for(self._all_taken_in, f"the config of {self.title}")
        return self

    def group(self, addresses: Iterable[str], clusters: int = 10) -> str:
        """Import the images and ask for clusters of them; the version that came of it."""
        tasks = [self._task("") | {"data": {"image": address}} for address in addresses]
        body = {"action": "TASKS_CREATED", "project": self._project(), "tasks": tasks}
        self._post("/webhook", body)
        project_id = self.backend.project(self.uid)["id"]
        made = self.backend.manage("drf_create_token", "admin").stdout
        done = httpx.patch(
            f"{self.backend.url}/api/projects/{project_id}/",
            json={"options": {"cluster": "group", "clusters": clusters}},
            headers={"Authorization": f"Token {made.split()[2]}"},
        )
        assert done.is_success, done.text
        self._post("/train", {"project": self.uid, "annotations": []})
        return self.backend.wait_for_version(self.uid)["version"]

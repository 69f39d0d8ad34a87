"""Label Studio's side of a project over HTTP: labels to train on, and labels to evaluate by."""

from collections.abc import Iterable, Sequence

import httpx

from samples.project import SampleProject
from tests.e2e.server import Backend
from tests.e2e.texts import pairs

Labelled = tuple[str, str]  # a text and its label
_BY_HAND = """
from registry.actions import project_settings
from registry.models import Project
by_hand = {{"policy": {{"enabled": False}}, "promotion_rule": "always"}}
project_settings.configure(Project.objects.get(uid="{uid}"), actor="test", **by_hand)
"""


def noisy(n: int, labels: str = "ABCD", seed: int = 0, wrong_every: int = 7) -> list[Labelled]:
    """`n` labelled texts of which every so many is labelled wrong, as humans do."""
    return [
        (text, labels[(labels.index(label) + 1) % len(labels)] if i % wrong_every == 0 else label)
        for i, (text, label) in enumerate(pairs(n, labels, seed))
    ]


class BackendProject(SampleProject):
    """A sample project of a running backend, whose database shows when its events are applied."""

    def __init__(
        self, backend: Backend, number: int, title: str, config: str, control: str, source: str
    ) -> None:
        super().__init__(backend.key_url, number, title, config, control, source)
        self.backend = backend

    def wait_for_events(self) -> None:
        """Waits until all received events are applied."""
        self.backend.wait_for(self._are_events_applied, f"the events of {self.title}")

    def _are_events_applied(self) -> bool:
        return all(event["status"] != "received" for event in self.backend.events(self.uid))


class Labelling(BackendProject):
    """A project of Choices on Text, labelled by `learn_from` and `label`."""

    def __init__(self, backend: Backend, number: int, title: str, labels: Sequence[str]) -> None:
        choices = "".join(f'<Choice value="{label}"/>' for label in labels)
        config = (
            '<View><Text name="text" value="$text"/>'
            f'<Choices name="label" toName="text" choice="single">{choices}</Choices></View>'
        )
        super().__init__(backend, number, title, config, "label", "text")

    def connect(self) -> "Labelling":
        """Sends the requests of Label Studio when the URL is pasted, and its first webhook."""
        super().connect()
        return self

    def train_by_hand(self) -> "Labelling":
        """Lets only `learn_from` train, and promotes each version.

        Else a busy machine trains while labels come in, on fewer and more often than an idle one.
        """
        self.backend.manage("shell", "-c", _BY_HAND.format(uid=self.uid))
        return self

    def rename(self, old: str, new: str) -> None:
        """The label is called otherwise in the label config."""
        self.config = self.config.replace(f'"{old}"', f'"{new}"')
        self.connect()
        self.wait_for_events()

    def learn_from(self, labelled: Iterable[Labelled]) -> str:
        """Train at once on these and all before; the version that came of it."""
        super().learn_from(_as_tasks(labelled))
        return self.backend.project(self.uid)["version"]

    def label(self, labelled: Iterable[Labelled]) -> None:
        """Ask for predictions first, then label: what came of each is an outcome."""
        super().label(_as_tasks(labelled))
        self.wait_for_events()

    def add(self, texts: Iterable[str]) -> None:
        """Tasks that nobody has labelled."""
        super().add({"text": text} for text in texts)
        self.wait_for_events()


class Images(BackendProject):
    """A project of images that annotators could name, and that nobody has labelled."""

    def __init__(self, backend: Backend, number: int, title: str) -> None:
        config = (
            '<View><Image name="image" value="$image"/>'
            '<TextArea name="group" toName="image"/></View>'
        )
        super().__init__(backend, number, title, config, "group", "image")

    def connect(self) -> "Images":
        """The first /setup is refused, and makes the project known; then its option is set."""
        self.backend.post("/setup", {"project": self.uid, "schema": self.config})
        self._post("/webhook", {"action": "PROJECT_UPDATED", "project": self._project()})
        self.wait_for_events()
        return self

    def group(self, addresses: Iterable[str], clusters: int = 10) -> str:
        """Import the images and ask for clusters of them; the version that came of it."""
        self.add({"image": address} for address in addresses)
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


def _as_tasks(labelled: Iterable[Labelled]) -> list[tuple[dict[str, str], str]]:
    return [({"text": text}, label) for text, label in labelled]

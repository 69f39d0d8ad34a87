"""A project is read page by page while people go on, and the mirror ends as Label Studio is."""

import random
from datetime import UTC, datetime
from typing import Any

import pytest

from mlapi.labelstudio import task_pages
from mlapi.locks import MIRROR, READING, is_locked
from mlapi.mirror import reading
from mlapi.mirror.process_events import process_pending_events
from mlapi.mirror.sync import sync
from mlapi.training import policy
from registry.actions import events
from registry.models import Project, TrainingRun
from registry.models.project import default_policy
from registry.reports.project_summary import alerts, basic
from tests.mlapi.labelstudio_api import LabelStudioAPI
from tests.mlapi.mirror.limits import refuse_text
from tests.mlapi.mirror.syncing import between_pages, mirrored_tasks, resync

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def pages_of_five(monkeypatch):
    """Label Studio is read in pages of five tasks."""
    monkeypatch.setattr(reading, "EXPORT_UP_TO", 0)
    monkeypatch.setattr(task_pages, "PAGE_SIZE", 5)


def now() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


class RandomUsers:
    """Users who label, change, delete and add at random; their events come soon or late."""

    def __init__(self, labelstudio_api: LabelStudioAPI, project: Project, seed: int) -> None:
        self._api = labelstudio_api
        self._project = project
        self._random = random.Random(seed)
        self._next = 1_000

    def step(self) -> None:
        for _ in range(self._random.randint(0, 3)):
            self._random.choice(
                [self._annotate, self._annotate, self._edit, self._delete, self._add, self._drop]
            )()
        if self._random.random() < 0.5:
            process_pending_events(self._project.pk)

    def _send(self, action: str, **payload: Any) -> None:
        events.record(self._project, action, payload)

    def _task(self, *, labelled: bool = False) -> dict[str, Any] | None:
        tasks = [t for t in self._api.tasks.values() if t["annotations"] or not labelled]
        return self._random.choice(tasks) if tasks else None

    def _touch(self, task: dict[str, Any]) -> None:
        task["updated_at"] = now()
        task["total_annotations"] = len(task["annotations"])

    def _outline(self, task: dict[str, Any]) -> dict[str, Any]:
        return {k: v for k, v in task.items() if k not in ("annotations", "predictions")}

    def _annotate(self) -> None:
        if task := self._task():
            self._next += 1
            made = now()
            region = {"from_name": "label", "to_name": "text", "type": "choices"}
            region["value"] = {"choices": [self._random.choice("AB")]}
            annotation = {
                "id": self._next,
                "result": [region],
                "was_cancelled": False,
                "ground_truth": False,
                "completed_by": self._next,
                "created_at": made,
                "updated_at": made,
                "parent_prediction": None,
            }
            task["annotations"] = [*task["annotations"], annotation]
            self._touch(task)
            sent = {**annotation, "task": task["id"]}
            self._send("ANNOTATION_CREATED", annotation=sent, task=self._outline(task))

    def _edit(self) -> None:
        if task := self._task(labelled=True):
            first, *rest = task["annotations"]
            region = {**first["result"][0], "value": {"choices": [self._random.choice("AB")]}}
            changed = {**first, "result": [region], "updated_at": now()}
            task["annotations"] = [changed, *rest]
            self._touch(task)
            sent = {**changed, "task": task["id"]}
            self._send("ANNOTATION_UPDATED", annotation=sent, task=self._outline(task))

    def _delete(self) -> None:
        if task := self._task(labelled=True):
            gone = self._random.choice(task["annotations"])
            task["annotations"] = [a for a in task["annotations"] if a is not gone]
            self._touch(task)
            self._send("ANNOTATIONS_DELETED", annotations=[{"id": gone["id"]}])

    def _add(self) -> None:
        number = self._api.add({"text": f"new {self._random.random()}"})
        task = self._api.tasks[number]
        task |= {"created_at": now(), "updated_at": now()}
        self._send("TASKS_CREATED", tasks=[self._outline(task)])

    def _drop(self) -> None:
        if (task := self._task()) and task["id"] != max(self._api.tasks):
            del self._api.tasks[task["id"]]
            self._send("TASKS_DELETED", tasks=[{"id": task["id"]}])


def as_exported(labelstudio_api: LabelStudioAPI) -> dict[int, Any]:
    return {
        pk: (task["data"], sorted((a["id"], a["result"]) for a in task["annotations"]))
        for pk, task in labelstudio_api.tasks.items()
    }


def as_mirrored(project: Project) -> dict[int, Any]:
    return {
        pk: (task.data, sorted((a["id"], a["result"]) for a in task.annotations))
        for pk, task in mirrored_tasks(project).items()
    }


@pytest.mark.parametrize("seed", range(8))
def test_changes_between_any_two_pages_are_in_the_mirror_at_the_end(
    connected_project, labelstudio_api, monkeypatch, seed
):
    users = RandomUsers(labelstudio_api, connected_project, seed)
    between_pages(monkeypatch, users.step)
    assert sync(connected_project, "a test").error is None
    process_pending_events(connected_project.pk)
    assert as_mirrored(connected_project) == as_exported(labelstudio_api)
    connected_project.refresh_from_db()
    assert (connected_project.reading, bool(connected_project.synced_at)) == ({}, True)
    assert resync(connected_project).error is None  # as between its pages
    process_pending_events(connected_project.pk)
    assert as_mirrored(connected_project) == as_exported(labelstudio_api)


def test_between_two_pages_the_mirror_is_free_and_says_how_far_it_is(
    connected_project, labelstudio_api, monkeypatch
):
    states = []

    def record_state() -> None:
        project = Project.objects.get(pk=connected_project.pk)
        assert not is_locked(connected_project.pk, MIRROR)
        codes = [alert.code for alert in alerts(basic([project])) if alert.code == "reading"]
        states.append((project.read_so_far, len(mirrored_tasks(connected_project)), codes))

    between_pages(monkeypatch, record_state)
    assert sync(connected_project, "a test").read == 20
    assert states[:4] == [
        (None, 0, []),
        ((5, 20), 5, ["reading"]),
        ((5, 20), 5, ["reading"]),
        ((10, 20), 10, ["reading"]),
    ]
    connected_project.refresh_from_db()
    assert connected_project.read_so_far is None


def test_a_first_version_is_trained_once_enough_is_read(
    connected_project, labelstudio_api, monkeypatch
):
    monkeypatch.setattr(policy, "ENOUGH_FOR_NOW", 10)
    Project.objects.update(policy={**default_policy(), "first_labels": 8})
    states = []

    def apply_policy() -> None:
        policy.consider(Project.objects.get(pk=connected_project.pk))
        states.append((len(mirrored_tasks(connected_project)), TrainingRun.objects.count()))

    between_pages(monkeypatch, apply_policy)
    sync(connected_project, "a test")
    assert max(tasks for tasks, runs in states if not runs) == 5
    assert min(tasks for tasks, runs in states if runs) == 10
    assert TrainingRun.objects.count() == 1


def test_a_run_reads_until_it_has_enough_and_leaves_the_rest_to_the_queue(
    connected_project, labelstudio_api
):
    report = sync(
        connected_project, "a run", enough=lambda: len(mirrored_tasks(connected_project)) >= 10
    )
    assert (report.is_interrupted, report.read) == (True, 10)
    connected_project.refresh_from_db()
    assert (connected_project.read_so_far, connected_project.synced_at) == ((10, 20), None)
    labelstudio_api.calls.clear()
    assert sync(connected_project, "the rest").read == 10
    assert as_mirrored(connected_project) == as_exported(labelstudio_api)


def test_a_reading_goes_on_where_its_worker_was_killed(
    connected_project, labelstudio_api, monkeypatch
):
    put, pages = reading.Reading._put, []

    def killed(self, tasks, read_at):
        if len(pages) == 2:
            raise KeyboardInterrupt
        pages.append([task["id"] for task in tasks])
        return put(self, tasks, read_at)

    monkeypatch.setattr(reading.Reading, "_put", killed)
    with pytest.raises(KeyboardInterrupt):
        sync(connected_project, "a test")
    assert not is_locked(connected_project.pk, READING)
    monkeypatch.setattr(reading.Reading, "_put", put)
    labelstudio_api.tasks[1]["updated_at"] = now()  # a page that was read has changed since
    labelstudio_api.tasks[1]["annotations"] = []
    labelstudio_api.tasks[1]["total_annotations"] = 0
    connected_project.refresh_from_db()
    assert sync(connected_project, "again").read == 10
    assert as_mirrored(connected_project) == as_exported(labelstudio_api)


def test_a_sync_that_waited_for_another_reading_does_not_start_again(
    connected_project, labelstudio_api
):
    waiting = Project.objects.get(pk=connected_project.pk)
    assert (
        sync(
            connected_project, "a test", enough=lambda: len(mirrored_tasks(connected_project)) >= 10
        ).read
        == 10
    )
    assert sync(waiting, "next").read == 10
    late = Project.objects.get(pk=connected_project.pk)
    late.synced_at, late.reading = None, {"after": 5, "read": 5, "of": 20}
    report = sync(late, "late")
    assert (report.mode, report.read) == ("delta", 0)
    late.refresh_from_db()
    assert late.reading == {}


def test_only_what_has_changed_is_read_again(connected_project, labelstudio_api):
    """A later sync reads no unchanged task."""
    sync(connected_project, "a test")
    labelstudio_api.calls.clear()
    assert resync(connected_project).read == 0
    assert not [call for call in labelstudio_api.calls if call.params.get("fields") == "all"]
    for pk in (3, 17):
        labelstudio_api.tasks[pk]["updated_at"] = now()
    assert resync(connected_project).read == 2


def test_a_task_that_an_event_has_changed_is_read_once_more(connected_project, labelstudio_api):
    """Another event about the same task may have been lost."""
    sync(connected_project, "a test")
    users = RandomUsers(labelstudio_api, connected_project, 1)
    users._edit()
    process_pending_events(connected_project.pk)
    assert resync(connected_project).read == 1
    assert resync(connected_project).read == 0


def test_a_task_that_the_database_refuses_is_named_and_the_others_are_read(
    connected_project, labelstudio_api
):
    refuse_text("text 6")
    report = sync(connected_project, "a test")
    assert (report.error, report.unreadable) == (None, 1)
    assert sorted(mirrored_tasks(connected_project)) == [i for i in range(1, 21) if i != 7]

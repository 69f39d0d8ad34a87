"""The sync against a real Label Studio: whatever happened there, the mirror ends up the same."""

import threading

import pytest
from django.db import connection, connections

from mlapi.locks import project_lock
from mlapi.mirror import reading
from mlapi.mirror import sync as sync_module
from mlapi.mirror.sync import sync
from registry.actions import project_settings
from registry.actions import projects as actions
from registry.models import AuditEntry, Outcome, Project, Task
from tests.e2e.labelstudio_project import config
from tests.mlapi.mirror.syncing import between_pages
from tests.waiting import PATIENCE_S

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_backend_is_being_connected(monkeypatch) -> None:
    """No backend is being connected, so a sync waits for no webhook."""
    monkeypatch.setattr(sync_module, "_CONNECTING_S", ())


def mirrored(project: Project) -> dict[int, list[tuple]]:
    """Annotations of the tasks that exist, by task: (id, skipped, choices)."""
    return {
        task.labelstudio_id: [comparable(a) for a in task.annotations]
        for task in Task.objects.filter(project=project, deleted_at=None)
    }


def comparable(annotation: dict) -> tuple:
    choices = [r["value"]["choices"] for r in annotation["result"]]
    return annotation["id"], annotation["was_cancelled"], choices


def in_label_studio(ls_project) -> dict[int, list[tuple]]:
    """The annotations of Label Studio, in the form of `mirrored`."""
    return {
        task["id"]: sorted((comparable(a) for a in task["annotations"]), key=lambda a: a[0])
        for task in ls_project.tasks()
    }


@pytest.fixture
def synced_ids(registry_project, ls_project) -> list[int]:
    """Six tasks that the first sync has read, three of them labelled; their ids."""
    ids = ls_project.import_labelled([("one", "A"), ("two", "B"), ("three", "A")])
    ids += ls_project.import_texts(["four", "five", "six"])
    report = sync(registry_project, "a test")
    assert (report.error, report.mode, report.read) == (None, "full", 6)
    return ids


def resync(registry_project: Project):
    registry_project.refresh_from_db()
    report = sync(registry_project, "again")
    assert (report.error, report.mode) == (None, "delta")
    return report


def test_the_first_sync_mirrors_all_tasks_labelled_or_not(registry_project, ls_project, synced_ids):
    assert mirrored(registry_project) == in_label_studio(ls_project)
    assert len(mirrored(registry_project)) == 6
    registry_project.refresh_from_db()
    assert registry_project.synced_at
    assert registry_project.title == "client tests"
    assert registry_project.label_config == ls_project.info()["label_config"]
    assert Task.objects.get(project=registry_project, labelstudio_id=synced_ids[0]).labels == {
        "label": "A"
    }


def test_labels_that_a_sync_brings_are_never_outcomes_of_a_version(registry_project, synced_ids):
    assert not Outcome.objects.exists()


def test_changes_without_an_event_are_found(registry_project, ls_project, synced_ids):
    annotations = {pk: rows[0][0] for pk, rows in mirrored(registry_project).items() if rows}
    ls_project.change_annotation(annotations[synced_ids[0]], "B")
    ls_project.annotate(synced_ids[3], "A")
    ls_project.skip(synced_ids[4])
    added = ls_project.import_labelled([("seven", "B")])
    ls_project.edit_task(synced_ids[1], {"text": "two, edited"})
    report = resync(registry_project)
    assert mirrored(registry_project) == in_label_studio(ls_project)
    assert added[0] in mirrored(registry_project)
    assert (
        Task.objects.get(project=registry_project, labelstudio_id=synced_ids[1]).data["text"]
        == "two, edited"
    )
    assert report.dropped == 0


def test_an_annotation_turned_into_a_draft_is_removed(registry_project, ls_project, synced_ids):
    (annotation, _, _) = mirrored(registry_project)[synced_ids[0]][0]
    ls_project.turn_into_draft(annotation)
    report = resync(registry_project)
    assert mirrored(registry_project)[synced_ids[0]] == []
    assert mirrored(registry_project) == in_label_studio(ls_project)
    assert Task.objects.get(project=registry_project, labelstudio_id=synced_ids[0]).labels == {}
    assert report.fetched == 1


def test_deleted_annotations_and_tasks_and_bare_imports_are_found(
    registry_project, ls_project, synced_ids
):
    ls_project.delete_annotation(mirrored(registry_project)[synced_ids[0]][0][0])
    ls_project.delete_task(synced_ids[1])
    ls_project.delete_task(synced_ids[5])
    new = ls_project.import_texts(["eight", "nine"])
    assert synced_ids[5] in new  # Label Studio on SQLite gives the last id again
    resync(registry_project)
    assert mirrored(registry_project) == in_label_studio(ls_project)
    tasks = Task.objects.filter(project=registry_project, deleted_at=None)
    texts = {t["id"]: t["data"] for t in ls_project.tasks()}
    assert {t.labelstudio_id: t.data for t in tasks} == texts


def test_all_annotations_deleted_and_made_from_predictions_by_bulk(
    registry_project, ls_project, synced_ids
):
    ls_project.action("delete_tasks_annotations")
    resync(registry_project)
    assert not any(mirrored(registry_project).values())
    region = {
        "from_name": "label",
        "to_name": "text",
        "type": "choices",
        "value": {"choices": ["B"]},
    }
    for pk in synced_ids[:2]:
        ls_project.api("POST", "/api/predictions/", json={"task": pk, "result": [region]})
    ls_project.action("predictions_to_annotations", synced_ids[:2])
    resync(registry_project)
    assert mirrored(registry_project) == in_label_studio(ls_project)
    first = Task.objects.get(project=registry_project, labelstudio_id=synced_ids[0])
    assert first.labels == {"label": "B"}
    assert first.annotations[0]["parent_prediction"]


def test_several_annotations_of_one_task_lose_one(registry_project, ls_project, synced_ids):
    second = ls_project.annotate(synced_ids[0], "B")
    resync(registry_project)
    assert len(mirrored(registry_project)[synced_ids[0]]) == 2
    ls_project.turn_into_draft(second["id"])
    resync(registry_project)
    assert mirrored(registry_project) == in_label_studio(ls_project)


def test_title_and_label_config_are_read_too(registry_project, ls_project, synced_ids):
    ls_project.change(title="renamed", label_config=config("A", "B", "C"))
    report = resync(registry_project)
    registry_project.refresh_from_db()
    assert report.config_changed
    assert registry_project.title == "renamed"
    assert 'value="C"' in registry_project.label_config


def test_nothing_changed_writes_nothing(registry_project, ls_project, synced_ids):
    before = list(Task.objects.order_by("id").values())
    report = resync(registry_project)
    assert (report.fetched, report.dropped) == (0, 0)
    assert list(Task.objects.order_by("id").values()) == before


def test_only_what_is_recent_is_read_again(registry_project, ls_project, synced_ids, monkeypatch):
    # A transaction of Label Studio may still have been open: what is as it was read is not read.
    assert resync(registry_project).read == 0
    ls_project.annotate(synced_ids[3], "A")
    assert resync(registry_project).read == 1
    assert mirrored(registry_project) == in_label_studio(ls_project)


def test_pages_and_batches_lose_nothing(registry_project, ls_project, monkeypatch):
    monkeypatch.setattr("mlapi.labelstudio.task_pages.PAGE_SIZE", 2)
    monkeypatch.setattr("mlapi.labelstudio.task_pages.IDS_PER_REQUEST", 3)
    monkeypatch.setattr(reading, "BATCH", 2)
    ls_project.import_labelled([(f"text {i}", "AB"[i % 2]) for i in range(7)])
    sync(registry_project, "a test")
    assert mirrored(registry_project) == in_label_studio(ls_project)
    ls_project.action("delete_tasks_annotations")
    ls_project.import_labelled([(f"more {i}", "A") for i in range(5)])
    resync(registry_project)
    assert mirrored(registry_project) == in_label_studio(ls_project)


def test_an_interrupted_sync_is_repeated_from_the_start(registry_project, ls_project, monkeypatch):
    ls_project.import_labelled([(f"text {i}", "A") for i in range(4)])
    monkeypatch.setattr(reading, "BATCH", 2)
    put, calls = reading.apply_changes.put_read_tasks, []

    def interrupted(*arguments):
        if calls:
            raise KeyboardInterrupt
        calls.append(put(*arguments))
        return calls[0]

    monkeypatch.setattr(reading.apply_changes, "put_read_tasks", interrupted)
    with pytest.raises(KeyboardInterrupt):
        sync(registry_project, "a test")
    registry_project.refresh_from_db()
    assert registry_project.synced_at is None
    assert len(mirrored(registry_project)) == 2
    monkeypatch.setattr(reading.apply_changes, "put_read_tasks", put)
    assert sync(registry_project, "again").mode == "full"
    assert mirrored(registry_project) == in_label_studio(ls_project)


def test_changes_between_the_pages_of_a_first_reading_are_found(
    registry_project, ls_project, monkeypatch
):
    monkeypatch.setattr(reading, "EXPORT_UP_TO", 0)
    monkeypatch.setattr("mlapi.labelstudio.task_pages.PAGE_SIZE", 2)
    ids = ls_project.import_labelled([(f"text {i}", "AB"[i % 2]) for i in range(8)])
    first = {pk: rows[0][0] for pk, rows in in_label_studio(ls_project).items()}
    changes = iter(
        [
            lambda: ls_project.change_annotation(first[ids[0]], "B"),
            lambda: ls_project.delete_annotation(first[ids[1]]),
            lambda: ls_project.annotate(ids[0], "A"),
            lambda: ls_project.delete_task(ids[2]),
            lambda: ls_project.turn_into_draft(first[ids[3]]),
            lambda: ls_project.delete_annotation(first[ids[7]]),
            lambda: ls_project.import_labelled([("new", "A")]),
        ]
    )
    between_pages(monkeypatch, lambda: next(changes, lambda: None)())
    assert sync(registry_project, "a test").error is None
    assert next(changes, None) is None
    assert mirrored(registry_project) == in_label_studio(ls_project)


def test_a_project_that_is_gone_is_recorded_and_nothing_is_deleted(
    registry_project, ls_project, synced_ids
):
    ls_project.delete()
    registry_project.refresh_from_db()
    report = sync(registry_project, "again")
    assert report.error["code"] == "labelstudio_not_found"
    registry_project.refresh_from_db()
    assert (registry_project.connection["ok"], registry_project.connection["failed"]) == (
        False,
        "project",
    )
    assert "deleted" in registry_project.connection["steps"][-1]["cure"]
    assert len(mirrored(registry_project)) == 6


def test_without_credentials_the_project_has_the_error(ls_project, db):
    project = actions.get_or_create(ls_project.uid)
    report = sync(project, "a test")
    assert report.error["code"] == "labelstudio_no_credentials"
    project.refresh_from_db()
    assert project.connection["failed"] == "token"
    assert "LABEL_STUDIO_API_KEY" in project.connection["steps"][0]["cure"]
    assert project.synced_at is None


def test_a_failed_sync_may_be_requested_again_at_once(ls_project, db):
    project = actions.get_or_create(ls_project.uid)
    assert actions.request_sync(project, "first")
    sync(project, "first")
    assert actions.request_sync(project, "second")


def test_credentials_that_work_again_clear_the_failure(registry_project, ls_project, synced_ids):
    project_settings.set_credentials(
        registry_project, ls_project.server.url, "0" * 40, actor="test"
    )
    assert sync(registry_project, "again").error["code"] == "labelstudio_token_invalid"
    project_settings.set_credentials(
        registry_project, ls_project.server.url, ls_project.server.token, actor="test"
    )
    resync(registry_project)
    registry_project.refresh_from_db()
    assert registry_project.connection["failed"] in (
        None,
        "webhook",
    )  # this project has no backend connected
    token = next(s for s in registry_project.connection["steps"] if s["step"] == "token")
    assert token["ok"]


@pytest.mark.django_db(transaction=True)
def test_a_sync_waits_for_whoever_writes_the_mirror(registry_project, ls_project):
    ls_project.import_texts(["one"])
    done = threading.Event()

    def run() -> None:
        sync(Project.objects.get(pk=registry_project.pk), "a test")
        connection.close()
        done.set()

    with project_lock(registry_project.pk) as held:
        assert held
        thread = threading.Thread(target=run)
        thread.start()
        assert not done.wait(2)
        assert mirrored(registry_project) == {}
    thread.join(PATIENCE_S)
    assert done.is_set()
    assert len(mirrored(registry_project)) == 1
    connections.close_all()


def test_a_sync_has_no_audit_entry(registry_project, ls_project, synced_ids):
    """A sync is no decision of a user of this backend."""
    assert not AuditEntry.objects.exclude(verb="set_credentials").exists()

"""The sync against a real Label Studio: whatever happened there, the mirror ends up the same."""

import threading
import time
from datetime import timedelta

import pytest
from django.db import connection, connections

from mlapi.locks import project_lock
from mlapi.mirror import sync as sync_module
from mlapi.mirror.sync import sync
from registry.actions import project_settings
from registry.actions import projects as actions
from registry.models import AuditEntry, Outcome, Project, Task
from tests.e2e.labelstudio_server import config

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_backend_is_being_connected(monkeypatch) -> None:
    """So there is no webhook to wait for."""
    monkeypatch.setattr(sync_module, "_CONNECTING_S", ())


def mirrored(project: Project) -> dict[int, list[tuple]]:
    """Annotations of the tasks that exist, by task: (id, skipped, choices)."""
    return {
        task.labelstudio_id: [seen(a) for a in task.annotations]
        for task in Task.objects.filter(project=project, deleted_at=None)
    }


def seen(annotation: dict) -> tuple:
    choices = [r["value"]["choices"] for r in annotation["result"]]
    return annotation["id"], annotation["was_cancelled"], choices


def there(theirs) -> dict[int, list[tuple]]:
    """The same, as Label Studio has it."""
    return {
        task["id"]: sorted((seen(a) for a in task["annotations"]), key=lambda a: a[0])
        for task in theirs.tasks()
    }


@pytest.fixture
def synced(ours, theirs) -> list[int]:
    """Six tasks that the first sync has read, three of them labelled; their ids."""
    ids = theirs.import_labelled([("one", "A"), ("two", "B"), ("three", "A")])
    ids += theirs.import_texts(["four", "five", "six"])
    report = sync(ours, "a test")
    assert (report.error, report.mode, report.read) == (None, "full", 6)
    return ids


def resync(ours: Project):
    ours.refresh_from_db()
    report = sync(ours, "again")
    assert (report.error, report.mode) == (None, "delta")
    return report


def test_the_first_sync_mirrors_all_tasks_labelled_or_not(ours, theirs, synced):
    assert mirrored(ours) == there(theirs)
    assert len(mirrored(ours)) == 6
    ours.refresh_from_db()
    assert ours.synced_at
    assert ours.title == "client tests"
    assert ours.label_config == theirs.info()["label_config"]
    assert Task.objects.get(project=ours, labelstudio_id=synced[0]).labels == {"label": "A"}


def test_labels_that_a_sync_brings_are_never_outcomes_of_a_version(ours, synced):
    assert not Outcome.objects.exists()


def test_what_changes_is_found_though_nothing_announced_it(ours, theirs, synced):
    annotations = {pk: rows[0][0] for pk, rows in mirrored(ours).items() if rows}
    theirs.change_annotation(annotations[synced[0]], "B")
    theirs.annotate(synced[3], "A")
    theirs.skip(synced[4])
    added = theirs.import_labelled([("seven", "B")])
    theirs.edit_task(synced[1], {"text": "two, edited"})
    report = resync(ours)
    assert mirrored(ours) == there(theirs)
    assert added[0] in mirrored(ours)
    assert Task.objects.get(project=ours, labelstudio_id=synced[1]).data["text"] == "two, edited"
    assert report.dropped == 0


def test_an_annotation_turned_into_a_draft_is_found_gone(ours, theirs, synced):
    (annotation, _, _) = mirrored(ours)[synced[0]][0]
    theirs.turn_into_draft(annotation)
    report = resync(ours)
    assert mirrored(ours)[synced[0]] == []
    assert mirrored(ours) == there(theirs)
    assert Task.objects.get(project=ours, labelstudio_id=synced[0]).labels == {}
    assert report.fetched == 1


def test_deleted_annotations_and_tasks_and_bare_imports_are_found(ours, theirs, synced):
    theirs.delete_annotation(mirrored(ours)[synced[0]][0][0])
    theirs.delete_task(synced[1])
    theirs.delete_task(synced[5])
    new = theirs.import_texts(["eight", "nine"])
    assert synced[5] in new  # Label Studio on SQLite gives the last id again
    resync(ours)
    assert mirrored(ours) == there(theirs)
    tasks = Task.objects.filter(project=ours, deleted_at=None)
    texts = {t["id"]: t["data"] for t in theirs.tasks()}
    assert {t.labelstudio_id: t.data for t in tasks} == texts


def test_all_annotations_deleted_and_made_from_predictions_by_bulk(ours, theirs, synced):
    theirs.action("delete_tasks_annotations")
    resync(ours)
    assert not any(mirrored(ours).values())
    region = {
        "from_name": "label",
        "to_name": "text",
        "type": "choices",
        "value": {"choices": ["B"]},
    }
    for pk in synced[:2]:
        theirs.api("POST", "/api/predictions/", json={"task": pk, "result": [region]})
    theirs.action("predictions_to_annotations", synced[:2])
    resync(ours)
    assert mirrored(ours) == there(theirs)
    first = Task.objects.get(project=ours, labelstudio_id=synced[0])
    assert first.labels == {"label": "B"}
    assert first.annotations[0]["parent_prediction"]


def test_several_annotations_of_one_task_lose_one(ours, theirs, synced):
    second = theirs.annotate(synced[0], "B")
    resync(ours)
    assert len(mirrored(ours)[synced[0]]) == 2
    theirs.turn_into_draft(second["id"])
    resync(ours)
    assert mirrored(ours) == there(theirs)


def test_title_and_label_config_are_read_too(ours, theirs, synced):
    theirs.change(title="renamed", label_config=config("A", "B", "C"))
    report = resync(ours)
    ours.refresh_from_db()
    assert report.config_changed
    assert ours.title == "renamed"
    assert 'value="C"' in ours.label_config


def test_nothing_changed_writes_nothing(ours, theirs, synced):
    before = list(Task.objects.order_by("id").values())
    report = resync(ours)
    assert (report.fetched, report.dropped) == (0, 0)
    assert list(Task.objects.order_by("id").values()) == before


def test_only_what_is_recent_is_read_again(ours, theirs, synced, monkeypatch):
    assert resync(ours).read == 3  # a transaction of Label Studio may still have been open
    monkeypatch.setattr(sync_module, "MARGIN", timedelta(0))
    assert resync(ours).read == 3
    time.sleep(1.1)  # Label Studio tells its time in whole seconds
    resync(ours)
    assert resync(ours).read == 0
    theirs.annotate(synced[3], "A")
    assert resync(ours).read == 1
    assert mirrored(ours) == there(theirs)


def test_pages_and_batches_lose_nothing(ours, theirs, monkeypatch):
    monkeypatch.setattr("mlapi.labelstudio.client.PAGE_SIZE", 2)
    monkeypatch.setattr("mlapi.labelstudio.client.IDS_PER_REQUEST", 3)
    monkeypatch.setattr(sync_module, "BATCH", 2)
    theirs.import_labelled([(f"text {i}", "AB"[i % 2]) for i in range(7)])
    sync(ours, "a test")
    assert mirrored(ours) == there(theirs)
    theirs.action("delete_tasks_annotations")
    theirs.import_labelled([(f"more {i}", "A") for i in range(5)])
    resync(ours)
    assert mirrored(ours) == there(theirs)


def test_an_interrupted_sync_is_repeated_from_the_start(ours, theirs, monkeypatch):
    theirs.import_labelled([(f"text {i}", "A") for i in range(4)])
    monkeypatch.setattr(sync_module, "BATCH", 2)
    put, calls = sync_module.apply_changes.put_whole_tasks, []

    def interrupted(project, tasks):
        if calls:
            raise KeyboardInterrupt
        calls.append(put(project, tasks))

    monkeypatch.setattr(sync_module.apply_changes, "put_whole_tasks", interrupted)
    with pytest.raises(KeyboardInterrupt):
        sync(ours, "a test")
    ours.refresh_from_db()
    assert ours.synced_at is None
    assert len(mirrored(ours)) == 2
    monkeypatch.setattr(sync_module.apply_changes, "put_whole_tasks", put)
    assert sync(ours, "again").mode == "full"
    assert mirrored(ours) == there(theirs)


def test_a_project_that_is_gone_is_recorded_and_nothing_is_deleted(ours, theirs, synced):
    theirs.delete()
    ours.refresh_from_db()
    report = sync(ours, "again")
    assert report.error["code"] == "labelstudio_not_found"
    ours.refresh_from_db()
    assert (ours.connection["ok"], ours.connection["failed"]) == (False, "project")
    assert "deleted" in ours.connection["steps"][-1]["cure"]
    assert len(mirrored(ours)) == 6


def test_without_credentials_the_project_says_so(theirs, db):
    project = actions.get_or_create(theirs.uid)
    report = sync(project, "a test")
    assert report.error["code"] == "labelstudio_no_credentials"
    project.refresh_from_db()
    assert project.connection["failed"] == "token"
    assert "LABEL_STUDIO_API_KEY" in project.connection["steps"][0]["cure"]
    assert project.synced_at is None


def test_a_failed_sync_may_be_asked_for_again_at_once(theirs, db):
    project = actions.get_or_create(theirs.uid)
    assert actions.request_sync(project, "first")
    sync(project, "first")
    assert actions.request_sync(project, "second")


def test_credentials_that_work_again_clear_the_failure(ours, theirs, synced):
    project_settings.set_credentials(ours, theirs.server.url, "0" * 40, actor="test")
    assert sync(ours, "again").error["code"] == "labelstudio_token_invalid"
    project_settings.set_credentials(ours, theirs.server.url, theirs.server.token, actor="test")
    resync(ours)
    ours.refresh_from_db()
    assert ours.connection["failed"] in (None, "webhook")  # this project has no backend connected
    token = next(s for s in ours.connection["steps"] if s["step"] == "token")
    assert token["ok"]


@pytest.mark.django_db(transaction=True)
def test_a_sync_waits_for_whoever_writes_the_mirror(ours, theirs):
    theirs.import_texts(["one"])
    done = threading.Event()

    def run() -> None:
        sync(Project.objects.get(pk=ours.pk), "a test")
        connection.close()
        done.set()

    with project_lock(ours.pk) as held:
        assert held
        thread = threading.Thread(target=run)
        thread.start()
        assert not done.wait(2)
        assert mirrored(ours) == {}
    thread.join(90)
    assert done.is_set()
    assert len(mirrored(ours)) == 1
    connections.close_all()


def test_a_sync_has_no_audit_entry(ours, theirs, synced):
    """It is Label Studio's word, not a decision of anyone's here."""
    assert not AuditEntry.objects.exclude(verb="set_credentials").exists()

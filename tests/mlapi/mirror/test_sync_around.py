"""A sync where Label Studio, or a gateway before it, cannot answer: it goes round, and says so."""

import re

import pytest

from mlapi.labelstudio import task_pages
from mlapi.mirror import reading
from mlapi.mirror.connection_check import check
from mlapi.mirror.sync import sync
from registry.actions import projects as actions
from registry.models import Task
from registry.reports.project_summary import alerts, basic
from tests.mlapi.labelstudio_api import CUT
from tests.mlapi.mirror.syncing import mirrored_tasks, resync

pytestmark = pytest.mark.django_db

HALF_AN_EMOJI = "good fun \ud83d"


HTML = b"<html><h1>504 Gateway Time-out</h1></html>"


@pytest.mark.parametrize(
    "instead",
    [
        (504, HTML),
        (502, HTML),
        (403, HTML),
        (404, HTML),
        (413, b""),
        (200, HTML),
        (200, b""),
        (200, b'{"detail": "later"}'),
        (CUT, b'[{"id": 1, "annotations": ['),
        (200, b'[{"id": 1'),
    ],
)
def test_where_the_export_fails_the_pages_are_read(ours, theirs, instead):
    theirs.gateway = lambda call: instead if call.path.endswith("/export") else None
    report = sync(ours, "a test")
    assert (report.error, report.mode, report.read) == (None, "full", 20)
    assert report.export_error
    labels = {pk: task.labels["label"] for pk, task in mirrored_tasks(ours).items()}
    assert labels == {i + 1: "AB"[i % 2] for i in range(20)}
    ours.refresh_from_db()
    assert ours.synced_at
    (step,) = [s for s in check(ours)["steps"] if s["step"] == "export"]
    assert step["ok"]
    assert "by its page" in step["detail"]


def test_a_task_that_label_studio_cannot_return_is_named_and_the_others_are_read(
    ours, theirs, caplog
):
    bad = theirs.add({"text": HALF_AN_EMOJI}, "A")
    theirs.add({"text": "after it"}, "B")
    report = sync(ours, "a test")
    assert (report.error, report.unreadable) == (None, 1)
    ours.refresh_from_db()
    assert ours.unreadable_tasks == [bad]
    found = mirrored_tasks(ours)
    assert len(found) == 22
    assert {pk for pk, task in found.items() if not task.data} == {bad}
    assert found[bad].labels == {"label": "A"}  # its annotations can be returned
    assert f"task {bad} cannot be read" in caplog.text
    (alert,) = [a for a in alerts(basic([ours])) if a.code == "tasks_unreadable"]
    assert f"task {bad}:" in alert.message
    (step,) = [s for s in check(ours)["steps"] if s["step"] == "export"]
    assert step["ok"]
    assert f"task {bad}" in step["detail"]


@pytest.mark.parametrize("instead", [(302, b""), (403, HTML), (404, HTML), (CUT, b'{"tasks": [')])
def test_a_task_for_which_a_gateway_answers_in_its_own_way_spoils_no_other(ours, theirs, instead):
    def gateway(call):
        if call.path == "/api/tasks" and b'"text 6"' in theirs.list_tasks(call.params)[1]:
            return instead
        return (504, HTML) if call.path.endswith("/export") else None

    theirs.gateway = gateway
    assert sync(ours, "a test").error is None
    ours.refresh_from_db()
    assert ours.unreadable_tasks == [7]
    assert [pk for pk, task in mirrored_tasks(ours).items() if not task.labels] == []


def test_pages_that_never_go_on_end_the_sync(ours, theirs, monkeypatch):
    monkeypatch.setattr(task_pages, "PAGE_SIZE", 5)
    first = {}

    def gateway(call):
        if call.path.endswith("/export"):
            return 504, HTML
        if call.path == "/api/tasks":
            return first.setdefault("answer", theirs.list_tasks(call.params))
        return None

    theirs.gateway = gateway
    assert sync(ours, "a test").error["code"] == "labelstudio_not_recognized"


@pytest.mark.parametrize("gone", [(404, HTML), (500, HTML)])
def test_one_file_that_is_gone_does_not_fail_the_check_of_the_connection(ours, theirs, gone):
    uploads = {f"/data/upload/1/{i}.png": gone for i in range(3)}
    for pk, path in enumerate(uploads, 1):
        theirs.tasks[pk]["data"]["image"] = path
    theirs.gateway = lambda call: uploads.get(call.path)

    def media():
        (step,) = [s for s in check(ours)["steps"] if s["step"] == "media"]
        return step["ok"], step["detail"]

    is_ok, detail = media()
    assert not is_ok
    assert str(gone[0]) in detail
    uploads["/data/upload/1/2.png"] = (200, b"x")
    assert media() == (True, "/data/upload/1/2.png answers 200")


def test_it_costs_a_later_sync_neither_a_comparison_nor_the_name(ours, theirs, monkeypatch):
    bad = theirs.add({"text": HALF_AN_EMOJI}, "A")
    sync(ours, "a test")
    theirs.add({"text": "new"}, "B")
    monkeypatch.delattr(reading.Reading, "_compare")  # equal counts: the tasks are not compared
    resync(ours)
    assert ours.unreadable_tasks == [bad]
    assert len(mirrored_tasks(ours)) == 22


def test_an_annotation_that_cannot_be_returned_leaves_its_task_readable(ours, theirs, monkeypatch):
    bad = theirs.add({"text": "fine"}, HALF_AN_EMOJI)
    sync(ours, "a test")
    ours.refresh_from_db()
    assert ours.unreadable_tasks == [bad]
    assert mirrored_tasks(ours)[bad].data == {"text": "fine"}
    assert mirrored_tasks(ours)[bad].annotations == []
    theirs.add({"text": "new"}, "B")
    monkeypatch.delattr(reading.Reading, "_compare")  # no comparison of all tasks
    resync(ours)
    assert ours.unreadable_tasks == [bad]


def test_a_task_that_was_mended_is_read_and_no_longer_named(ours, theirs):
    bad = theirs.add({"text": HALF_AN_EMOJI})
    sync(ours, "a test")
    theirs.tasks[bad]["data"] = {"text": "good fun"}
    resync(ours)
    assert ours.unreadable_tasks == []
    assert mirrored_tasks(ours)[bad].data == {"text": "good fun"}


def test_a_task_that_was_deleted_is_no_longer_named(ours, theirs):
    bad = theirs.add({"text": HALF_AN_EMOJI})
    sync(ours, "a test")
    del theirs.tasks[bad]
    resync(ours)
    assert ours.unreadable_tasks == []
    assert len(mirrored_tasks(ours)) == 20


def test_data_that_an_event_brought_stay_where_the_api_cannot_return_them(ours, theirs):
    bad = theirs.add({"text": HALF_AN_EMOJI}, "A")
    sync(ours, "a test")
    Task.objects.filter(labelstudio_id=bad).update(data={"text": "good fun \ufffd"})
    theirs.tasks[bad]["updated_at"] = "2027-01-01T00:00:00Z"
    resync(ours)
    assert mirrored_tasks(ours)[bad].data == {"text": "good fun \ufffd"}


def test_many_bad_tasks_in_a_row_and_across_pages(ours, theirs, monkeypatch):
    monkeypatch.setattr(task_pages, "PAGE_SIZE", 16)
    theirs.tasks.clear()
    for i in range(100):
        theirs.add({"text": HALF_AN_EMOJI if i < 30 or i == 99 else f"text {i}"}, "A")
    report = sync(ours, "a test")
    # Eight tasks of the first page are tried and the one after it, and all of them fail.
    assert report.error["code"] == "labelstudio_server_error"
    for i in range(1, 31, 3):
        theirs.tasks[i]["data"] = {"text": "good"}
    ours.refresh_from_db()
    assert sync(ours, "again").error is None
    ours.refresh_from_db()
    assert len(mirrored_tasks(ours)) == 100
    assert ours.unreadable_tasks == [*(i for i in range(1, 31) if i % 3 != 1), 100]


def test_all_tasks_that_failed_for_a_time_are_read_by_the_next_sync(ours, theirs, monkeypatch):
    monkeypatch.setattr(reading, "RETRIED", 3)
    sync(ours, "a test")
    ours.refresh_from_db()
    actions.mark_synced(ours, unreadable_tasks=[1, 2, 3, 4, 5, 6, 7])
    theirs.tasks[5]["data"] = {"text": HALF_AN_EMOJI}
    resync(ours)
    assert ours.unreadable_tasks == [7, 5]  # those that failed again are tried last
    theirs.tasks[5]["data"] = {"text": "good fun"}
    resync(ours)
    assert ours.unreadable_tasks == []


def test_a_whole_page_of_bad_tasks_after_a_good_one_is_gone_round(ours, theirs, monkeypatch):
    monkeypatch.setattr(task_pages, "PAGE_SIZE", 10)
    for i in range(11, 21):
        theirs.tasks[i]["data"] = {"text": HALF_AN_EMOJI}
    assert sync(ours, "a test").error is None
    ours.refresh_from_db()
    assert ours.unreadable_tasks == list(range(11, 21))


def test_a_project_of_bad_tasks_only_is_read_as_far_as_it_can_be(ours, theirs):
    for task in theirs.tasks.values():
        task["data"] = {"text": HALF_AN_EMOJI}
    assert sync(ours, "a test").error is None
    ours.refresh_from_db()
    assert ours.unreadable_tasks == sorted(theirs.tasks)


def test_a_label_studio_that_fails_from_some_page_on_is_not_taken_for_bad_tasks(
    ours, theirs, monkeypatch
):
    monkeypatch.setattr(task_pages, "PAGE_SIZE", 10)
    pages = []

    def gateway(call):
        if call.path == "/api/tasks" and call.has_data:
            pages.append(call)
            return (503, b"") if len(pages) > 1 else None
        return (504, b"") if call.path.endswith("/export") else None

    theirs.gateway = gateway
    assert sync(ours, "a test").error["code"] == "labelstudio_server_error"
    assert len(pages) < 60  # those of the connection check are among them
    ours.refresh_from_db()
    assert ours.unreadable_tasks == []


@pytest.mark.parametrize(
    "spoil",
    [
        {"annotations": ["no annotation"]},
        {"annotations": [{"id": None}]},
        {"data": None},
        {"created_at": "yesterday"},
    ],
)
def test_a_task_of_another_shape_spoils_no_other(ours, theirs, spoil):
    bad = theirs.add({"text": "odd"}, "A")
    theirs.tasks[bad].update(spoil)
    report = sync(ours, "a test")
    if "created_at" in spoil:  # not even its times can be read: no task of Label Studio
        assert report.error["code"] == "labelstudio_not_recognized"
        return
    assert report.error is None
    ours.refresh_from_db()
    assert ours.unreadable_tasks == [bad]
    assert len(mirrored_tasks(ours)) == 21


@pytest.mark.parametrize("value", ["1" * 4200, "[" * 300 + "]" * 300, "[null]", '"\\u0000"'])
def test_whatever_a_task_holds_it_is_mirrored(ours, theirs, value):
    theirs.add({"text": "here", "more": "REPLACED"}, "A")
    answer = theirs.answer

    def with_value(call):
        status, body = answer(call)
        return status, body.replace(b'"REPLACED"', value.encode())

    theirs.answer = with_value
    assert sync(ours, "a test").error is None
    ours.refresh_from_db()
    assert ours.unreadable_tasks == []
    assert mirrored_tasks(ours)[21].data["text"] == "here"
    assert resync(ours).fetched == 0


def test_pages_that_a_gateway_finds_too_large_are_halved_and_stay_small(ours, theirs, monkeypatch):
    def gateway(call):
        if call.path.endswith("/export"):
            return 504, HTML
        if call.path == "/api/tasks" and call.has_data and int(call.params["page_size"]) > 6:
            return 504, HTML
        return None

    monkeypatch.setattr(task_pages, "_SMALLEST_PAGE", 2)
    theirs.gateway = gateway
    assert sync(ours, "a test").read == 20
    ours.refresh_from_db()
    assert ours.unreadable_tasks == []


def test_where_nothing_can_be_had_the_sync_fails_soon_and_nothing_is_dropped(ours, theirs):
    sync(ours, "a test")
    theirs.gateway = lambda call: (
        (500, b"") if call.path == "/api/tasks" and call.has_data else None
    )
    ours.refresh_from_db()
    theirs.tasks[1]["updated_at"] = "2027-01-01T00:00:00Z"
    theirs.calls.clear()
    for i in range(1, 21):
        theirs.tasks[i]["updated_at"] = "2027-01-01T00:00:00Z"
    report = sync(ours, "again")
    assert report.error["code"] == "labelstudio_server_error"
    assert len(theirs.calls) < 60
    assert len(mirrored_tasks(ours)) == 20
    ours.refresh_from_db()
    assert ours.unreadable_tasks == []
    assert not re.search("task [0-9]+ ", ours.connection["steps"][-1]["detail"])

"""A sync where Label Studio, or a gateway before it, cannot answer: it goes round, and says so."""

import re

import pytest

from mlapi.labelstudio import task_pages
from mlapi.labelstudio.errors import OutOfTime
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
def test_where_the_export_fails_the_pages_are_read(connected_project, labelstudio_api, instead):
    labelstudio_api.gateway = lambda call: instead if call.path.endswith("/export") else None
    report = sync(connected_project, "a test")
    assert (report.error, report.mode, report.read) == (None, "full", 20)
    assert report.export_error
    labels = {pk: task.labels["label"] for pk, task in mirrored_tasks(connected_project).items()}
    assert labels == {i + 1: "AB"[i % 2] for i in range(20)}
    connected_project.refresh_from_db()
    assert connected_project.synced_at
    (step,) = [s for s in check(connected_project)["steps"] if s["step"] == "export"]
    assert step["ok"]
    assert "by its page" in step["detail"]


def test_a_task_that_label_studio_cannot_return_is_named_and_the_others_are_read(
    connected_project, labelstudio_api, caplog
):
    bad = labelstudio_api.add({"text": HALF_AN_EMOJI}, "A")
    labelstudio_api.add({"text": "after it"}, "B")
    report = sync(connected_project, "a test")
    assert (report.error, report.unreadable) == (None, 1)
    connected_project.refresh_from_db()
    assert connected_project.unreadable_tasks == [bad]
    found = mirrored_tasks(connected_project)
    assert len(found) == 22
    assert {pk for pk, task in found.items() if not task.data} == {bad}
    assert found[bad].labels == {"label": "A"}  # its annotations can be returned
    assert f"task {bad} cannot be read" in caplog.text
    (alert,) = [a for a in alerts(basic([connected_project])) if a.code == "tasks_unreadable"]
    assert f"task {bad}:" in alert.message
    (step,) = [s for s in check(connected_project)["steps"] if s["step"] == "export"]
    assert step["ok"]
    assert f"task {bad}" in step["detail"]


@pytest.mark.parametrize("instead", [(302, b""), (403, HTML), (404, HTML), (CUT, b'{"tasks": [')])
def test_a_task_for_which_a_gateway_answers_in_its_own_way_does_not_affect_others(
    connected_project, labelstudio_api, instead
):
    def gateway(call):
        if call.path == "/api/tasks" and b'"text 6"' in labelstudio_api.list_tasks(call.params)[1]:
            return instead
        return (504, HTML) if call.path.endswith("/export") else None

    labelstudio_api.gateway = gateway
    assert sync(connected_project, "a test").error is None
    connected_project.refresh_from_db()
    assert connected_project.unreadable_tasks == [7]
    assert [pk for pk, task in mirrored_tasks(connected_project).items() if not task.labels] == []


def test_a_reading_whose_time_is_over_while_a_page_is_halved_names_no_task(
    connected_project, labelstudio_api, caplog
):
    failed = []

    def gateway(call):
        if call.path.endswith("/export"):
            return 504, HTML
        if call.path == "/api/tasks" and b'"text 6"' in labelstudio_api.list_tasks(call.params)[1]:
            failed.append(call)
            return 500, HTML
        return None

    def checkpoint():
        if len(failed) > 2:
            raise OutOfTime("The time is over.")

    labelstudio_api.gateway = gateway
    report = sync(connected_project, "a test", checkpoint=checkpoint)
    assert report.error["code"] == "labelstudio_timeout"
    connected_project.refresh_from_db()
    assert connected_project.unreadable_tasks == []
    assert "cannot be read" not in caplog.text


def test_pages_that_never_go_on_end_the_sync(connected_project, labelstudio_api, monkeypatch):
    monkeypatch.setattr(task_pages, "PAGE_SIZE", 5)
    first = {}

    def gateway(call):
        if call.path.endswith("/export"):
            return 504, HTML
        if call.path == "/api/tasks":
            return first.setdefault("answer", labelstudio_api.list_tasks(call.params))
        return None

    labelstudio_api.gateway = gateway
    assert sync(connected_project, "a test").error["code"] == "labelstudio_not_recognized"


@pytest.mark.parametrize("gone", [(404, HTML), (500, HTML)])
def test_one_file_that_is_gone_does_not_fail_the_check_of_the_connection(
    connected_project, labelstudio_api, gone
):
    uploads = {f"/data/upload/1/{i}.png": gone for i in range(3)}
    for pk, path in enumerate(uploads, 1):
        labelstudio_api.tasks[pk]["data"]["image"] = path
    labelstudio_api.gateway = lambda call: uploads.get(call.path)

    def media():
        (step,) = [s for s in check(connected_project)["steps"] if s["step"] == "media"]
        return step["ok"], step["detail"]

    is_ok, detail = media()
    assert not is_ok
    assert str(gone[0]) in detail
    uploads["/data/upload/1/2.png"] = (200, b"x")
    assert media() == (True, "/data/upload/1/2.png answers 200")


def test_an_unreadable_task_stays_named_and_causes_no_comparison_in_a_later_sync(
    connected_project, labelstudio_api, monkeypatch
):
    bad = labelstudio_api.add({"text": HALF_AN_EMOJI}, "A")
    sync(connected_project, "a test")
    labelstudio_api.add({"text": "new"}, "B")
    monkeypatch.delattr(reading.Reading, "_compare")  # equal counts: the tasks are not compared
    resync(connected_project)
    assert connected_project.unreadable_tasks == [bad]
    assert len(mirrored_tasks(connected_project)) == 22


def test_an_annotation_that_cannot_be_returned_leaves_its_task_readable(
    connected_project, labelstudio_api, monkeypatch
):
    bad = labelstudio_api.add({"text": "fine"}, HALF_AN_EMOJI)
    sync(connected_project, "a test")
    connected_project.refresh_from_db()
    assert connected_project.unreadable_tasks == [bad]
    assert mirrored_tasks(connected_project)[bad].data == {"text": "fine"}
    assert mirrored_tasks(connected_project)[bad].annotations == []
    labelstudio_api.add({"text": "new"}, "B")
    monkeypatch.delattr(reading.Reading, "_compare")  # no comparison of all tasks
    resync(connected_project)
    assert connected_project.unreadable_tasks == [bad]


def test_a_task_that_was_mended_is_read_and_no_longer_named(connected_project, labelstudio_api):
    bad = labelstudio_api.add({"text": HALF_AN_EMOJI})
    sync(connected_project, "a test")
    labelstudio_api.tasks[bad]["data"] = {"text": "good fun"}
    resync(connected_project)
    assert connected_project.unreadable_tasks == []
    assert mirrored_tasks(connected_project)[bad].data == {"text": "good fun"}


def test_a_task_that_was_deleted_is_no_longer_named(connected_project, labelstudio_api):
    bad = labelstudio_api.add({"text": HALF_AN_EMOJI})
    sync(connected_project, "a test")
    del labelstudio_api.tasks[bad]
    resync(connected_project)
    assert connected_project.unreadable_tasks == []
    assert len(mirrored_tasks(connected_project)) == 20


def test_data_that_an_event_brought_stay_where_the_api_cannot_return_them(
    connected_project, labelstudio_api
):
    bad = labelstudio_api.add({"text": HALF_AN_EMOJI}, "A")
    sync(connected_project, "a test")
    Task.objects.filter(labelstudio_id=bad).update(data={"text": "good fun \ufffd"})
    labelstudio_api.tasks[bad]["updated_at"] = "2027-01-01T00:00:00Z"
    resync(connected_project)
    assert mirrored_tasks(connected_project)[bad].data == {"text": "good fun \ufffd"}


def test_many_bad_tasks_in_a_row_and_across_pages(connected_project, labelstudio_api, monkeypatch):
    monkeypatch.setattr(task_pages, "PAGE_SIZE", 16)
    labelstudio_api.tasks.clear()
    for i in range(100):
        labelstudio_api.add({"text": HALF_AN_EMOJI if i < 30 or i == 99 else f"text {i}"}, "A")
    report = sync(connected_project, "a test")
    # Eight tasks of the first page are tried and the one after it, and all of them fail.
    assert report.error["code"] == "labelstudio_server_error"
    for i in range(1, 31, 3):
        labelstudio_api.tasks[i]["data"] = {"text": "good"}
    connected_project.refresh_from_db()
    assert sync(connected_project, "again").error is None
    connected_project.refresh_from_db()
    assert len(mirrored_tasks(connected_project)) == 100
    assert connected_project.unreadable_tasks == [*(i for i in range(1, 31) if i % 3 != 1), 100]


def test_all_tasks_that_failed_for_a_time_are_read_by_the_next_sync(
    connected_project, labelstudio_api, monkeypatch
):
    monkeypatch.setattr(reading, "RETRIED", 3)
    sync(connected_project, "a test")
    connected_project.refresh_from_db()
    actions.mark_synced(connected_project, unreadable_tasks=[1, 2, 3, 4, 5, 6, 7])
    labelstudio_api.tasks[5]["data"] = {"text": HALF_AN_EMOJI}
    resync(connected_project)
    assert connected_project.unreadable_tasks == [7, 5]  # those that failed again are tried last
    labelstudio_api.tasks[5]["data"] = {"text": "good fun"}
    resync(connected_project)
    assert connected_project.unreadable_tasks == []


def test_a_whole_page_of_bad_tasks_after_a_good_one_is_gone_round(
    connected_project, labelstudio_api, monkeypatch
):
    monkeypatch.setattr(task_pages, "PAGE_SIZE", 10)
    for i in range(11, 21):
        labelstudio_api.tasks[i]["data"] = {"text": HALF_AN_EMOJI}
    assert sync(connected_project, "a test").error is None
    connected_project.refresh_from_db()
    assert connected_project.unreadable_tasks == list(range(11, 21))


def test_a_project_of_bad_tasks_only_is_read_as_far_as_it_can_be(
    connected_project, labelstudio_api
):
    for task in labelstudio_api.tasks.values():
        task["data"] = {"text": HALF_AN_EMOJI}
    assert sync(connected_project, "a test").error is None
    connected_project.refresh_from_db()
    assert connected_project.unreadable_tasks == sorted(labelstudio_api.tasks)


def test_a_label_studio_that_fails_from_some_page_on_is_not_taken_for_bad_tasks(
    connected_project, labelstudio_api, monkeypatch
):
    monkeypatch.setattr(task_pages, "PAGE_SIZE", 10)
    pages = []

    def gateway(call):
        if call.path == "/api/tasks" and call.has_data:
            pages.append(call)
            return (503, b"") if len(pages) > 1 else None
        return (504, b"") if call.path.endswith("/export") else None

    labelstudio_api.gateway = gateway
    assert sync(connected_project, "a test").error["code"] == "labelstudio_server_error"
    assert len(pages) < 60  # those of the connection check are among them
    connected_project.refresh_from_db()
    assert connected_project.unreadable_tasks == []


@pytest.mark.parametrize(
    "spoil",
    [
        {"annotations": ["no annotation"]},
        {"annotations": [{"id": None}]},
        {"data": None},
        {"created_at": "yesterday"},
    ],
)
def test_a_task_of_another_shape_does_not_affect_others(connected_project, labelstudio_api, spoil):
    bad = labelstudio_api.add({"text": "odd"}, "A")
    labelstudio_api.tasks[bad].update(spoil)
    report = sync(connected_project, "a test")
    if "created_at" in spoil:  # not even its times can be read: no task of Label Studio
        assert report.error["code"] == "labelstudio_not_recognized"
        return
    assert report.error is None
    connected_project.refresh_from_db()
    assert connected_project.unreadable_tasks == [bad]
    assert len(mirrored_tasks(connected_project)) == 21


@pytest.mark.parametrize("value", ["1" * 4200, "[" * 300 + "]" * 300, "[null]", '"\\u0000"'])
def test_whatever_a_task_holds_it_is_mirrored(connected_project, labelstudio_api, value):
    labelstudio_api.add({"text": "here", "more": "REPLACED"}, "A")
    answer = labelstudio_api.answer

    def with_value(call):
        status, body = answer(call)
        return status, body.replace(b'"REPLACED"', value.encode())

    labelstudio_api.answer = with_value
    assert sync(connected_project, "a test").error is None
    connected_project.refresh_from_db()
    assert connected_project.unreadable_tasks == []
    assert mirrored_tasks(connected_project)[21].data["text"] == "here"
    assert resync(connected_project).fetched == 0


def test_pages_that_a_gateway_finds_too_large_are_halved_and_stay_small(
    connected_project, labelstudio_api, monkeypatch
):
    def gateway(call):
        if call.path.endswith("/export"):
            return 504, HTML
        if call.path == "/api/tasks" and call.has_data and int(call.params["page_size"]) > 6:
            return 504, HTML
        return None

    monkeypatch.setattr(task_pages, "_SMALLEST_PAGE", 2)
    labelstudio_api.gateway = gateway
    assert sync(connected_project, "a test").read == 20
    connected_project.refresh_from_db()
    assert connected_project.unreadable_tasks == []


def test_where_all_requests_fail_the_sync_fails_soon_and_nothing_is_dropped(
    connected_project, labelstudio_api
):
    sync(connected_project, "a test")
    labelstudio_api.gateway = lambda call: (
        (500, b"") if call.path == "/api/tasks" and call.has_data else None
    )
    connected_project.refresh_from_db()
    labelstudio_api.tasks[1]["updated_at"] = "2027-01-01T00:00:00Z"
    labelstudio_api.calls.clear()
    for i in range(1, 21):
        labelstudio_api.tasks[i]["updated_at"] = "2027-01-01T00:00:00Z"
    report = sync(connected_project, "again")
    assert report.error["code"] == "labelstudio_server_error"
    assert len(labelstudio_api.calls) < 60
    assert len(mirrored_tasks(connected_project)) == 20
    connected_project.refresh_from_db()
    assert connected_project.unreadable_tasks == []
    assert not re.search("task [0-9]+ ", connected_project.connection["steps"][-1]["detail"])

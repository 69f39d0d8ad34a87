"""The page of a run: what it shows, how it moves, and what it offers."""

import json

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from registry.actions import runs
from tests import factories as make

pytestmark = pytest.mark.django_db

HOSTILE = "<script>alert(1)</script>"
CANDIDATES = [
    {"target": "label", "name": "word", "score": 0.71, "n": 110, "seconds": 0.1, "won": False},
    {"target": "label", "name": "char", "score": 0.82, "n": 110, "seconds": 0.2, "won": True},
]
COUNTS = {
    "tasks": 700,
    "train": 550,
    "holdout": 150,
    "targets": {"label": {"train": 550, "classes": {"train": {HOSTILE: 12}, "holdout": {}}}},
}


def page_of(client, run):
    return client.get(reverse("admin:registry_trainingrun_change", args=[run.pk])).content.decode()


def moved(client, run, offset=0):
    url = reverse("admin:registry_trainingrun_progress", args=[run.pk])
    return client.get(url, {"offset": offset})


@pytest.fixture
def running():
    return make.TrainingRunFactory(state="running")


def test_the_page_has_phases_candidates_statements_and_log(client, running):
    runs.record_heartbeat(
        running, phase="reading labels", progress=0.1, log="550 training tasks.\n"
    )
    runs.record_heartbeat(
        running,
        phase="selecting",
        statements=[
            {"sql": "SELECT id FROM p1", "seconds": 0.5, "rows": 1, "bindings": {"a": "b"}}
        ],
    )
    runs.set_details(running, candidates=CANDIDATES, dataset_counts=COUNTS)
    page = page_of(client, running)
    for text in (
        "reading labels",
        "selecting",
        "0.820",
        "won",
        "SELECT id FROM p1",
        "550 training",
    ):
        assert text in page
    assert 'aria-valuenow="10"' in page


def test_a_run_counts_the_tasks_that_cannot_be_read_by_reason_with_the_cure(client, running):
    reasons = [{"code": "not_text", "tasks": 3, "hint": "Put a text there."}]
    runs.set_details(running, dataset_counts={**COUNTS, "unreadable": reasons})
    page = page_of(client, running)
    for part in ("3 tasks", "not_text", "Put a text there."):
        assert part in page


def test_a_run_of_several_parts_names_whose_tasks_cannot_be_read(client, running):
    each = {"image_classification": 1, "text_classification": 2}
    reasons = [{"code": "field_missing", "tasks": 3, "hint": "", "parts": each}]
    runs.set_details(running, dataset_counts={**COUNTS, "unreadable": reasons})
    assert "(image_classification 1, text_classification 2)" in page_of(client, running)


def test_a_run_that_moves_is_followed_and_one_that_ended_is_not(client, running):
    assert "registry/run.js" in page_of(client, running)
    runs.succeed(running)
    assert "registry/run.js" not in page_of(client, running)


def test_progress_sends_what_is_new_in_the_log(client, running):
    runs.record_heartbeat(running, phase="reading", progress=0.25, log="first\n")
    progress = moved(client, running).json()
    assert (progress["percent"], progress["activity"], progress["ended"]) == (25, "reading", False)
    assert progress["log"] == {"text": "first\n", "length": 6, "whole": True}
    runs.record_heartbeat(running, log="second\n")
    progress = moved(client, running, offset=6).json()
    assert progress["log"] == {"text": "second\n", "length": 13, "whole": False}
    assert moved(client, running, offset=13).json()["log"]["text"] == ""


def test_progress_sends_the_whole_log_once_its_beginning_is_cut_off(client, running):
    runs.record_heartbeat(running, log="x" * runs.LOG_MAX_CHARACTERS)
    runs.record_heartbeat(running, log="end")
    log = moved(client, running, offset=runs.LOG_MAX_CHARACTERS - 10).json()["log"]
    assert log["whole"]
    assert len(log["text"]) == runs.LOG_MAX_CHARACTERS
    assert log["text"].endswith("end")


@pytest.mark.parametrize("offset", ["", "-1", "x", "9" * 5000, "²"])
def test_progress_takes_any_text_as_the_offset(client, running, offset):
    runs.record_heartbeat(running, log="a line\n")
    assert moved(client, running, offset=offset).json()["log"]["text"] == "a line\n"


def test_progress_takes_few_queries_and_reads_no_statements(client, running):
    runs.record_heartbeat(running, statements=[{"sql": "SELECT 1", "seconds": 0.1, "rows": 1}])
    with CaptureQueriesContext(
        connection,
    ) as captured:
        moved(client, running)
    assert len(captured) <= 4
    assert not [q for q in captured if '"statements"' in q["sql"]]


def test_progress_of_an_ended_run_says_so(client, running):
    runs.succeed(running)
    assert moved(client, running).json()["ended"]


def test_progress_is_for_those_who_may_look_at_runs(client, running):
    missing = reverse("admin:registry_trainingrun_progress", args=[999_999])
    assert client.get(missing).status_code == 404
    client.force_login(User.objects.create_user("nils", is_staff=True))
    assert moved(client, running).status_code == 403
    client.logout()
    assert moved(client, running).status_code == 302


def test_a_failed_run_has_code_cause_and_cure_and_offers_to_retry(client, running):
    runs.record_heartbeat(running, phase="selecting")
    runs.fail(running, "too_few_labels", "Only 3 tasks are labelled.", "Label 17 more.")
    page = page_of(client, running)
    for text in ("too_few_labels", "Only 3 tasks are labelled.", "Label 17 more.", "failed while"):
        assert text in page
    assert "/retry/" in page
    assert "/cancel/" not in page


def test_only_an_active_run_can_be_cancelled_and_only_once(client, running):
    assert "/cancel/" in page_of(client, running)
    assert "/retry/" not in page_of(client, running)
    runs.cancel(running.pk, actor="ada", reason="r")
    page = page_of(client, running)
    assert "/cancel/" not in page
    assert "cancellation requested" in page


def test_a_queued_run_says_what_it_waits_for(client):
    run = make.TrainingRunFactory()
    assert "No training worker is running." in page_of(client, run)
    make.WorkerFactory(cluster="training")
    assert "A worker starts it within seconds." in page_of(client, run)
    later = make.TrainingRunFactory()
    assert "1 run of other projects in the queue before it." in page_of(client, later)


def test_a_run_with_a_comparison_has_its_interval(client, running):
    numbers = {"metric": "macro_f1", "candidate": 0.8, "champion": 0.75, "difference": 0.05}
    comparison = numbers | {"interval": [-0.01, 0.11], "n": 150, "champion_label": "v1-abc123"}
    runs.set_details(running, comparison=comparison)
    page = page_of(client, running)
    assert "v1-abc123" in page
    assert "+0.050" in page
    assert "−0.010 to +0.110" in page
    assert "150 holdout tasks" in page
    assert "promotes 16% of the versions that are 0.03 worse" in page


def test_the_tasks_that_were_compared_out_of_fold_are_counted(client, running):
    comparison = {"metric": "macro_f1", "candidate": 0.8, "champion": 0.8, "n": 60}
    runs.set_details(running, comparison=comparison | {"n_out_of_fold": 48, "interval": [0, 0]})
    page = page_of(client, running)
    assert "60 tasks, 48 of them out of fold" in page
    assert "worse than the champion" not in page


def test_hostile_words_of_a_run_are_escaped(client, running):
    runs.record_heartbeat(running, phase=HOSTILE, log=f"{HOSTILE}\n", statements=[{"sql": HOSTILE}])
    runs.set_details(
        running, candidates=[{"target": HOSTILE, "name": HOSTILE}], dataset_counts=COUNTS
    )
    assert HOSTILE not in json.loads(moved(client, running).content)["head"]
    runs.fail(running, HOSTILE, HOSTILE, HOSTILE)
    page = page_of(client, running)
    assert HOSTILE not in page
    assert "&lt;script&gt;alert(1)" in page


def test_a_viewer_follows_a_run_and_is_offered_nothing(client, running):
    viewer = User.objects.create_user("vera", is_staff=True)
    viewer.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    client.force_login(viewer)
    page = page_of(client, running)
    assert "/cancel/" not in page
    assert moved(client, running).status_code == 200


def test_the_link_to_the_version_that_a_run_found_again_is_underlined(admin_client):
    version = make.ModelVersionFactory()
    run = make.TrainingRunFactory(project=version.project, state="running")
    runs.succeed(run, same_as=version)
    listed = admin_client.get(reverse("admin:registry_trainingrun_changelist")).content.decode()
    assert 'nothing new: <span class="inline-link"><a class="text-primary-600' in listed
    assert version.label in listed

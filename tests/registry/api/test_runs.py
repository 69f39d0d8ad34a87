"""/api/runs/."""

from datetime import timedelta

import pytest
from django.utils import timezone

from registry.actions import runs
from registry.models import AuditEntry, Project, TrainingRun
from tests import factories as make

from .conftest import AUTH_QUERIES, assert_queries, code


def test_a_run_is_started_once(lead, project):
    answer = lead.post("runs/", {"project": project.pk, "reason": "Monday."})
    assert answer.status_code == 201
    assert answer.json()["state"] == "queued"
    assert answer.json()["trigger"] == "api"
    entry = AuditEntry.objects.latest("id")
    assert (entry.verb, entry.actor, entry.reason) == ("train", "lea", "Monday.")
    again = lead.post("runs/", {"project": project.pk})
    assert again.status_code == 200
    assert again.json()["id"] == answer.json()["id"]


def test_a_start_beside_a_run_of_older_labels_is_one_for_the_next_run(lead, project):
    now = timezone.now()
    run = make.TrainingRunFactory(project=project, state="running")
    runs.set_details(run, snapshot_at=now)
    first = lead.post("runs/", {"project": project.pk})
    assert (first.status_code, first.json()["has_follow_up"]) == (200, False)
    Project.objects.filter(pk=project.pk).update(labels_changed_at=now + timedelta(seconds=1))
    again = lead.post("runs/", {"project": project.pk})
    assert (again.json()["id"], again.json()["has_follow_up"]) == (run.pk, True)


@pytest.mark.parametrize("body", [{}, {"project": 0}, {"project": "x"}, {"project": None}, []])
def test_a_run_needs_a_project(lead, body):
    assert code(lead.post("runs/", body)) == "input_invalid"


def test_a_run_is_cancelled_and_retried(lead, project):
    run = make.TrainingRunFactory(project=project)
    url = f"runs/{run.pk}"
    assert code(lead.post(f"{url}/retry/")) == "run_not_failed"
    answer = lead.post(f"{url}/cancel/", {"reason": "Not now."})
    assert answer.json()["state"] == "cancelled"
    assert code(lead.post(f"{url}/cancel/")) == "run_not_active"
    answer = lead.post(f"{url}/retry/")
    assert answer.status_code == 201
    assert answer.json()["retry_of"] == run.pk
    assert lead.post(f"{url}/retry/").status_code == 200


def test_a_viewer_runs_nothing(viewer, project):
    run = make.TrainingRunFactory(project=project)
    for answer in (
        viewer.post("runs/", {"project": project.pk}),
        viewer.post(f"runs/{run.pk}/cancel/"),
        viewer.post(f"runs/{run.pk}/retry/"),
    ):
        assert code(answer) == "permission_denied"
    assert TrainingRun.objects.count() == 1


def test_a_failed_run_has_code_cause_and_cure(viewer, project):
    make.TrainingRunFactory(project=project, state="failed")
    (row,) = viewer.rows("runs/")
    assert row["error"] == {
        "code": "training_failed",
        "message": "It failed.",
        "hint": "Try again.",
    }
    assert row["version"] is None


def test_details_of_a_run_are_in_its_own_route_only(viewer, version):
    (listed,) = viewer.rows("runs/")
    assert listed["version"] == {"id": version.pk, "label": version.label}
    assert listed["error"] is None
    assert "log" not in listed
    with assert_queries(AUTH_QUERIES + 1):
        data = viewer.get(f"runs/{version.run_id}/").json()
    assert {"log", "statements", "candidates", "comparison", "phases"} <= set(data)


def test_more_runs_take_no_more_queries(viewer, project):
    for _ in range(4):
        make.ModelVersionFactory(project=project)
        make.TrainingRunFactory(project=project, state="failed")
    with assert_queries(AUTH_QUERIES + 1):
        assert len(viewer.rows("runs/")) == 8


def test_runs_are_filtered_and_ordered(viewer, project, version):
    failed = make.TrainingRunFactory(project=project, state="failed")
    waiting = make.TrainingRunFactory(project=make.ProjectFactory())

    def ids(**query):
        return [row["id"] for row in viewer.rows("runs/", query)]

    assert ids(project=project.pk) == [failed.pk, version.run_id]
    assert ids(state=["failed", "queued"]) == [waiting.pk, failed.pk]
    assert ids(error_code="training_failed") == [failed.pk]
    within = {"project": project.pk}
    assert ids(has_version="true", **within) == [version.run_id]
    assert ids(search="it failed", **within) == [failed.pk]
    assert ids(ordering="ended_at", **within) == [version.run_id, failed.pk]

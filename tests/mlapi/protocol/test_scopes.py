"""Projects outside a key's scope read as unknown, on every route."""

import re

import pytest

from mlapi.urls import ROUTES
from registry.models import Event, Project, TrainingRun
from tests.factories import (
    LABEL_CONFIG,
    AccessKeyFactory,
    ModelVersionFactory,
    ProjectFactory,
    TrainingRunFactory,
)
from tests.mlapi.caller import Caller

HERE, THERE = "http://here.example:8080", "http://there.example:8080"
UNKNOWN = "999.1795420359"
JOB = "{job}"

# The request of each route about a project, and None for the routes that are about no project.
REQUESTS = {
    "health": None,
    "validate": None,
    "ready": None,
    "setup": lambda uid: ("post", {"project": uid, "schema": LABEL_CONFIG, "hostname": THERE}),
    "predict": lambda uid: (
        "post",
        {"project": uid, "label_config": LABEL_CONFIG, "tasks": [{"id": 1, "data": {"text": "x"}}]},
    ),
    "webhook": lambda uid: (
        "post",
        {
            "action": "START_TRAINING",
            "project": {"id": int(uid.split(".")[0]), "created_at": _time(uid), "title": "t"},
        },
    ),
    "train": lambda uid: ("post", {"project": uid, "annotations": []}),
    "is_training": lambda uid: ("get", {"project": uid}),
    "versions": lambda uid: ("get", {"project": uid}),
    "metrics": lambda uid: ("get", {}),
    "job_status": lambda uid: ("post", {"job": JOB}),
}


def _time(uid: str) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(int(uid.split(".")[1]), UTC).isoformat()


def test_the_table_has_every_route():
    assert set(REQUESTS) == set(ROUTES)


@pytest.fixture
def other_project(db):
    """A project with a champion and an active run, of another Label Studio."""
    project = ProjectFactory(hostname=THERE, title="secret title")
    ModelVersionFactory(project=project, champion=True)
    TrainingRunFactory(project=project)
    project.refresh_from_db()
    return project


@pytest.fixture(params=["project", "hostname"])
def scoped_caller(request, db):
    """A caller whose key is bound to one project, or to one Label Studio."""
    own = ProjectFactory(hostname=HERE)
    scope = {"project": own} if request.param == "project" else {"hostname": HERE}
    caller = Caller(f"/k/{AccessKeyFactory(**scope).plain}")
    caller.own = own
    return caller


def _request(caller: Caller, route: str, uid: str, job: int):
    method, body = REQUESTS[route](uid)
    if body.get("job") == JOB:
        body["job"] = str(job)
    return getattr(caller, method)(f"/{route}", body)


def _comparable(answer) -> tuple:
    """The answer without the ids that are new in each request."""
    return answer.status_code, re.sub(r'"(request_id|event)":("[^"]*"|\d+)', "", answer.text)


@pytest.mark.parametrize("route", sorted(r for r, request_of in REQUESTS.items() if request_of))
def test_out_of_scope_reads_as_unknown(route, scoped_caller, other_project):
    job = other_project.runs.get(state="queued").pk
    before = Project.objects.count(), TrainingRun.objects.count()
    answer = _request(scoped_caller, route, other_project.uid, job)
    unknown = _request(scoped_caller, route, UNKNOWN, 10**9)
    assert _comparable(answer) == _comparable(unknown)
    assert "secret title" not in answer.text
    assert other_project.served_version not in answer.text
    assert (Project.objects.count(), TrainingRun.objects.count()) == before
    other_project.refresh_from_db()
    assert other_project.hostname == THERE
    assert other_project.other_hostname == ""
    assert not other_project.events.exists()


@pytest.mark.parametrize("route", sorted(r for r, request_of in REQUESTS.items() if request_of))
def test_a_project_in_scope_is_answered(route, scoped_caller):
    version = ModelVersionFactory(project=scoped_caller.own, champion=True)
    run = TrainingRunFactory(project=scoped_caller.own)
    method, body = REQUESTS[route](scoped_caller.own.uid)
    if route == "setup":
        body["hostname"] = HERE
    if route == "job_status":
        body["job"] = str(run.pk)
    answer = getattr(scoped_caller, method)(f"/{route}", body)
    assert answer.status_code in (200, 201), answer.text
    expected = {"webhook": str(run.pk), "train": str(run.pk), "job_status": "queued"}
    assert expected.get(route, version.label) in answer.text


@pytest.mark.django_db
def test_versions_without_a_project_are_those_of_the_scope(scoped_caller, other_project):
    version = ModelVersionFactory(project=scoped_caller.own)
    assert scoped_caller.get("/versions").json() == {"versions": [version.label]}


@pytest.mark.django_db
def test_an_event_out_of_scope_is_stored_without_a_project(scoped_caller, other_project):
    _, body = REQUESTS["webhook"](other_project.uid)
    answer = scoped_caller.post("/webhook", body)
    assert answer.status_code == 200
    event = Event.objects.get(pk=answer.json()["event"])
    assert event.project is None
    assert event.status == "ignored"


@pytest.mark.django_db
def test_readiness_names_only_projects_of_the_scope(scoped_caller, other_project):
    from tests.factories import WorkerFactory

    report = {"ok": False, "failed": "token", "steps": [{"step": "token", "cure": "Set one."}]}
    Project.objects.update(connection=report)
    WorkerFactory(cluster="events")
    WorkerFactory(cluster="training")
    answer = scoped_caller.get("/ready")
    assert answer.status_code == 200
    assert answer.json()["without_labelstudio"] == [
        {"project": scoped_caller.own.uid, "failed": "token", "cure": "Set one."}
    ]


@pytest.mark.django_db
def test_a_bound_key_reads_no_counts_of_all_projects_together(scoped_caller, call):
    accept = {"accept": "text/plain"}
    assert "evals_requests_total" not in scoped_caller.get("/metrics", **accept).text
    assert "evals_requests_total" in call.get("/metrics", **accept).text

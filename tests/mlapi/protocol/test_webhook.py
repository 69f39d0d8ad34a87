"""POST /webhook: every event is a row before it is answered."""

import json
from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone
from django_q.models import OrmQ

from mlapi.jobs import maintenance
from mlapi.labelstudio.events import KNOWN_ACTIONS
from mlapi.mirror.process_events import process_pending_events
from registry import queue
from registry.actions import events, runs
from registry.models import Event, Project, TrainingRun
from tests.factories import TrainingRunFactory
from tests.mlapi.caller import queries

CREATED = "2026-11-23T07:52:39.864681Z"  # 1795420359
UID = "1.1795420359"


def event(action="ANNOTATION_CREATED", project_id=1, **more):
    project = {
        "id": project_id,
        "created_at": CREATED,
        "title": "wire",
        "token": "project-token",
        "task_data_password": "hidden",
        "parsed_label_config": {"label": {}},
    }
    return {"action": action, "project": project, **more}


@pytest.fixture
def project_of_events(project):
    Project.objects.filter(pk=project.pk).update(uid=UID)
    project.refresh_from_db()
    return project


@pytest.mark.django_db(transaction=True)
def test_an_event_is_stored_and_queues_its_job_in_five_queries(call, project_of_events):
    with queries(5):
        answer = call.post("/webhook", event())
    assert answer.status_code == 201
    assert answer.json()["status"] == "received"
    event_row = Event.objects.get(pk=answer.json()["event"])
    assert (event_row.project, event_row.action, event_row.status) == (
        project_of_events,
        "ANNOTATION_CREATED",
        "received",
    )
    assert event_row.request_id
    assert OrmQ.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        (r'"good fun \ud83d"', "good fun \ufffd"),
        (r'"nul \u0000"', "nul \ufffd"),
        ("NaN", None),
        ("1e400", None),
        ("1" * 5000, None),
        ("20000000000000000000", 2e19),
        ('{"a":' * 99 + "[1, 2]" + "}" * 99, "cut"),
    ],
)
def test_an_event_is_stored_and_applied_whatever_a_task_contains(
    sent, stored, call, project_of_events
):
    of_task = {"id": 7, "data": {"text": "here"}, "total_annotations": 0}
    body = json.dumps(event("TASKS_CREATED", tasks=[of_task]))
    answer = call.raw("/webhook", body.replace('"here"', sent).encode())
    assert answer.status_code == 201
    event_row = Event.objects.get(pk=answer.json()["event"])
    process_pending_events(project_of_events.pk)
    event_row.refresh_from_db()
    assert event_row.status == "applied"
    (mirrored,) = project_of_events.tasks.all()
    if stored != "cut":
        assert event_row.payload["tasks"][0]["data"] == mirrored.data == {"text": stored}


@pytest.mark.django_db(transaction=True)
def test_an_event_is_answered_before_its_processing_is_queued(call, project_of_events, monkeypatch):
    def fail(project_id):
        raise OperationalError("the database has gone")

    monkeypatch.setattr(events, "request_processing", fail)
    answer = call.post("/webhook", event("TASKS_CREATED"))
    assert answer.status_code == 201
    assert Event.objects.get().status == "received"
    Event.objects.update(received_at=timezone.now() - timedelta(minutes=1))
    maintenance.requeue_stuck_events()
    assert queue.waiting_projects("process_events") == {project_of_events.pk}


@pytest.mark.django_db
@pytest.mark.parametrize("action", sorted(KNOWN_ACTIONS - {"SETUP", "TRAIN"}))
def test_every_action_of_label_studio_is_known(action, call, project_of_events):
    assert call.post("/webhook", event(action)).status_code == 201


@pytest.mark.django_db
def test_an_unknown_action_is_stored_and_answered_200(call, project_of_events):
    answer = call.post("/webhook", event("REVIEW_CREATED"))
    assert answer.status_code == 200
    assert answer.json()["status"] == "ignored"
    assert Event.objects.get().action == "REVIEW_CREATED"


@pytest.mark.django_db(transaction=True)
def test_start_training_queues_one_run_in_five_queries(call, project_of_events):
    with queries(5):
        answer = call.post("/webhook", event("START_TRAINING"))
    run = TrainingRun.objects.get()
    assert answer.status_code == 201
    assert answer.json()["job"] == str(run.pk)
    event_row = Event.objects.get(pk=answer.json()["event"])
    assert (event_row.status, event_row.run, event_row.outcome) == (
        "queued_run",
        run,
        f"queued run {run.pk}",
    )
    again = call.post("/webhook", event("START_TRAINING"))
    assert again.json()["job"] == str(run.pk)
    assert "already" in Event.objects.get(pk=again.json()["event"]).outcome
    assert TrainingRun.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_start_training_beside_a_run_of_older_labels_is_answered_with_that_run(
    call, project_of_events
):
    now = timezone.now()
    run = TrainingRunFactory(project=project_of_events, state="running")
    runs.set_details(run, snapshot_at=now)
    Project.objects.filter(pk=project_of_events.pk).update(
        labels_changed_at=now + timedelta(seconds=1)
    )
    answer = call.post("/webhook", event("START_TRAINING"))
    assert answer.json()["job"] == str(run.pk)
    assert Event.objects.get(pk=answer.json()["event"]).outcome == (
        f"run {run.pk} was running already, and another is queued when it ends"
    )


@pytest.mark.django_db
def test_a_project_without_a_setup_is_created(call):
    assert call.post("/webhook", event()).status_code == 201
    project = Project.objects.get()
    assert (project.uid, project.title) == (UID, "wire")
    assert project.events.count() == 1
    assert project.sync_queued_at is not None


@pytest.mark.django_db
def test_an_event_without_a_project_is_stored_too(call):
    answer = call.post("/webhook", {"action": "PROJECT_DELETED", "project": {"id": 1}})
    assert answer.status_code == 200
    assert Event.objects.get(pk=answer.json()["event"]).project is None


@pytest.mark.django_db
def test_no_secret_of_an_event_is_stored(call, project_of_events):
    call.post("/webhook", event())
    payload = str(Event.objects.get().payload)
    for secret in ("project-token", "hidden", "parsed_label_config"):
        assert secret not in payload


@pytest.mark.django_db
@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{", b'"x"', b"{}", b'{"action": 3}', b'{"action": " "}', b'{"action": null}'],
)
def test_a_body_that_is_no_event_is_refused(body, call):
    assert call.raw("/webhook", body).status_code == 400
    assert not Event.objects.exclude(source=Event.Source.REFUSED).exists()


@pytest.mark.django_db
def test_characters_that_postgres_does_not_keep_lose_no_event(call, project_of_events):
    body = event(task={"id": 1, "data": {"text": "nul \x00 and emoji \U0001f600"}})
    assert call.post("/webhook", body).status_code == 201
    assert Event.objects.get().payload["task"]["data"]["text"] == "nul \ufffd and emoji \U0001f600"


@pytest.mark.django_db
def test_a_batch_of_five_thousand_tasks_is_one_event(call, project_of_events):
    tasks = [{"id": i, "data": {"text": "x" * 200}} for i in range(5000)]
    answer = call.post("/webhook", event("TASKS_CREATED", tasks=tasks))
    assert answer.status_code == 201
    assert len(Event.objects.get().payload["tasks"]) == 5000


@pytest.mark.django_db
@pytest.mark.parametrize(
    "created_at",
    ["0001-01-01T00:00:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "", 5, None],
)
def test_an_event_whose_project_has_no_time_of_creation_is_stored(created_at, call):
    project = {"id": 1, "created_at": created_at}
    answer = call.post("/webhook", {"action": "ANNOTATION_CREATED", "project": project})
    assert answer.status_code == 200
    assert Event.objects.get(pk=answer.json()["event"]).project is None

"""POST /train, GET /is_training, POST /job_status: training in the words of the first protocol."""

from datetime import timedelta

import pytest
from django.db.models import F
from django.utils import timezone
from django_q.models import OrmQ

from mlapi import views
from mlapi.change_listener import LEASE_S
from registry.models import Event, TrainingRun
from registry.models.run import RunKind
from tests.factories import TrainingRunFactory
from tests.mlapi.caller import queries

MINUTE = timedelta(minutes=1)
ANNOTATED = [
    {
        "id": 1,
        "data": {"text": "good"},
        "annotations": [{"id": 5, "result": [], "was_cancelled": False}],
    }
]


@pytest.mark.django_db(transaction=True)
def test_train_keeps_the_annotations_and_queues_a_run(call, project):
    answer = call.post("/train", {"project": project.uid, "annotations": ANNOTATED})
    run = TrainingRun.objects.get()
    assert answer.status_code == 201
    assert answer.json() == {"job": str(run.pk)}
    assert run.trigger == "train_route"
    event, started = Event.objects.order_by("pk")
    assert (event.source, event.action, event.status) == ("train", "TRAIN", "received")
    assert event.payload["annotations"] == ANNOTATED
    assert started.run == run
    assert OrmQ.objects.count() == 2  # processes the event, and trains


@pytest.mark.django_db
def test_is_training_returns_the_active_run(call, project, champion):
    idle = call.get("/is_training", {"project": project.uid}).json()
    assert idle == {
        "is_training": False,
        "job_id": None,
        "backend": "django-q",
        "model_version": champion.label,
    }
    TrainingRunFactory(project=project, kind=RunKind.CHALLENGER, state="running")
    assert call.get("/is_training", {"project": project.uid}).json() == idle
    run = TrainingRunFactory(project=project)
    busy = call.get("/is_training", {"project": project.uid}).json()
    assert (busy["is_training"], busy["job_id"]) == (True, str(run.pk))
    assert call.get("/is_training").json()["is_training"] is False
    assert call.get("/is_training", {"project": "x"}).status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("state", "job_status"),
    [
        ("queued", "queued"),
        ("running", "started"),
        ("succeeded", "finished"),
        ("failed", "failed"),
        ("cancelled", "canceled"),
    ],
)
def test_job_status_speaks_the_protocols_words(state, job_status, call):
    run = TrainingRunFactory(state=state)
    TrainingRun.objects.filter(ended_at__isnull=False).update(ended_at=timezone.now() - MINUTE)
    with queries(2):
        answer = call.post("/job_status", {"job": str(run.pk)})
    job = answer.json()
    assert answer.status_code == 200
    assert set(job) == {
        "job_status",
        "error",
        "created_at",
        "enqueued_at",
        "started_at",
        "ended_at",
        "progress",
    }
    assert job["job_status"] == job_status
    assert job["error"] == ("It failed." if state == "failed" else None)
    assert (job["started_at"] is None) == (state in ("queued", "cancelled"))
    assert (job["ended_at"] is None) == (state in ("queued", "running"))


@pytest.mark.django_db
def test_a_job_is_finished_when_its_version_serves_in_each_web_process(call, monkeypatch):
    assert timedelta(seconds=LEASE_S) < views._SERVED_AFTER
    monkeypatch.setattr(views, "_SERVED_AFTER", MINUTE)
    run = TrainingRunFactory(state="succeeded")

    def job() -> dict:
        return call.post("/job_status", {"job": str(run.pk)}).json()

    assert (job()["job_status"], job()["ended_at"]) == ("started", None)
    TrainingRun.objects.update(ended_at=F("ended_at") - MINUTE)
    assert job()["job_status"] == "finished"
    assert job()["ended_at"]


@pytest.mark.django_db
@pytest.mark.parametrize("job", ["9999", "x", "", 9999, "9" * 40, "-1"])
def test_an_unknown_job_is_gone(job, call):
    answer = call.post("/job_status", {"job": job})
    assert answer.status_code == 410
    assert answer.json()["error"]["code"] == "job_unknown"


@pytest.mark.django_db
@pytest.mark.parametrize("body", [{}, {"job": None}, {"job": []}, {"job": True}])
def test_a_status_of_no_job_is_refused(body, call):
    assert call.post("/job_status", body).status_code == 400

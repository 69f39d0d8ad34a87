"""Label Studio's recorded requests, replayed: the form of each answer, and its effect."""

import json
from pathlib import Path

import pytest

from mlapi import model_cache
from mlapi.mirror import process_events
from registry.actions import keys
from registry.models import Event, Project, Task, TrainingRun
from tests.factories import AccessKeyFactory, ModelVersionFactory
from tests.mlapi.caller import Caller
from tests.mlapi.trained import artifact
from tests.shared import SHARED, needs_shared, wire_files

pytestmark = [needs_shared, pytest.mark.django_db(transaction=True)]

FILES = wire_files()
# Its label config asks for videos only.
UNSERVED = {"connect_video"}


@pytest.fixture
def call():
    made = AccessKeyFactory()
    keys.note_use(made)
    model_cache.clear()
    yield Caller(f"/k/{made.plain}")
    model_cache.clear()


def requests_of(path: Path) -> list[dict]:
    return json.loads(path.read_text(encoding="utf-8"))["requests"]


def replay(call: Caller, request: dict, **headers):
    """The request as it was recorded; its credentials only where the test asks for them."""
    headers["user-agent"] = request["headers"]["User-Agent"]
    if request["method"] == "GET":
        return call.get(request["path"], request["query"], **headers)
    return call.raw(request["path"], json.dumps(request["body"]).encode(), **headers)


def wire(name: str) -> list[dict]:
    return requests_of(SHARED / "wire" / f"{name}.json")


def uid_of(request: dict) -> str:
    from mlapi.requests import project_uid

    return project_uid(request["body"]["project"])


def check_form(request: dict, answer) -> None:
    """Checks the fields that Label Studio 1.23.2 reads in the answer, by route."""
    body = answer.json()
    route = request["path"]
    if route == "/health":
        assert (answer.status_code, body["status"]) == (200, "UP")
    elif route == "/setup":
        assert answer.status_code in (200, 400)
        assert set(body) == ({"model_version"} if answer.status_code == 200 else {"error"})
    elif route == "/predict":
        assert answer.status_code == 200
        assert len(body["results"]) == len(request["body"]["tasks"])
        assert all(isinstance(entry, dict | list) for entry in body["results"])
    elif route == "/webhook":
        assert answer.status_code == 201
        assert {"status", "event"} <= set(body)
    elif route == "/versions":
        assert isinstance(body["versions"], list)
    else:
        raise AssertionError(f"a route that is not checked: {route}")


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_every_recorded_request_gets_an_answer_that_label_studio_can_read(path, call):
    for request in requests_of(path):
        answer = replay(call, request)
        check_form(request, answer)
        if request["path"] == "/setup":
            served = path.stem not in UNSERVED
            assert answer.status_code == (200 if served else 400)
            assert Project.objects.filter(uid=request["body"]["project"]).exists()
        if request["path"] == "/webhook":
            event = Event.objects.get(pk=answer.json()["event"])
            assert event.project.uid == uid_of(request)
            assert event.action == request["body"]["action"]
            assert request["body"]["project"]["token"] not in json.dumps(event.payload)


@pytest.mark.django_db  # nothing is written, so there is nothing to truncate
@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_no_recorded_request_is_answered_without_credentials(path, call):
    for request in requests_of(path):
        answer = replay(Caller(), request)
        assert answer.status_code == (200 if request["path"] == "/health" else 401)


def events_of(path: Path) -> list[dict]:
    return [r for r in requests_of(path) if r["path"] == "/webhook"]


@pytest.mark.parametrize("path", list(filter(events_of, FILES)), ids=lambda p: p.stem)
def test_every_recorded_event_is_processed(path, call):
    for request in events_of(path):
        replay(call, request)
    for project in Project.objects.all():
        process_events.process_pending_events(project.pk)
    assert not Event.objects.filter(status__in=["received", "failed"]).exists()


def processed(call, *names: str) -> Project:
    """The project after these recordings were replayed and their events processed."""
    for name in names:
        for request in wire(name):
            replay(call, request)
    project = Project.objects.get(uid=uid_of(wire(names[-1])[-1]))
    process_events.process_pending_events(project.pk)
    project.refresh_from_db()
    return project


def test_an_annotation_becomes_a_label_and_its_deletion_takes_it_away(call):
    project = processed(call, "connect_ml_backend", "annotation_created")
    annotation = wire("annotation_created")[0]["body"]["annotation"]
    task = Task.objects.get(project=project, labelstudio_id=annotation["task"])
    (label,) = annotation["result"][0]["value"]["choices"]
    assert task.labels == {"label": label}
    processed(call, "annotation_deleted")
    task.refresh_from_db()
    gone = {a["id"] for a in wire("annotation_deleted")[0]["body"]["annotations"]}
    assert not gone & set(task.annotation_ids)


def test_a_skipped_annotation_is_no_label(call):
    project = processed(call, "connect_ml_backend", "annotation_skipped_was_cancelled")
    annotation = wire("annotation_skipped_was_cancelled")[0]["body"]["annotation"]
    assert Task.objects.get(project=project, labelstudio_id=annotation["task"]).labels == {}


def test_imported_tasks_are_mirrored_and_deleted_ones_go(call):
    project = processed(call, "connect_ml_backend", "import_2_tasks_backend_connected")
    imported = {t["id"] for t in wire("import_2_tasks_backend_connected")[0]["body"]["tasks"]}
    live = Task.objects.filter(project=project, deleted_at__isnull=True)
    assert imported <= set(live.values_list("labelstudio_id", flat=True))


def test_the_train_button_queues_a_run(call):
    project = processed(call, "connect_ml_backend", "train_button")
    assert TrainingRun.objects.get().project == project
    assert TrainingRun.objects.get().trigger == "start_training"


def test_a_new_title_and_a_new_config_arrive(call):
    project = processed(call, "connect_ml_backend", "patch_project_title")
    assert project.title == wire("patch_project_title")[0]["body"]["project"]["title"]
    project = processed(call, "patch_project_label_config")
    changed = wire("patch_project_label_config")[0]["body"]["project"]["label_config"]
    assert project.label_config == changed


@pytest.mark.parametrize(
    "name",
    [
        "predict_test_random",
        "batch_predictions_retrieve_tasks_predictions",
        "batch_predictions_backend_has_a_new_version",
        "basic_auth_batch_predict",
        "open_task_with_show_collab_predictions_first_time_no_predictions",
        "interactive_annotating",
        "interactive_annotating_without_context",
    ],
)
def test_recorded_tasks_are_predicted_by_the_champion(name, call):
    recording = wire(name)
    uid = recording[-1]["body"]["project"]
    project = Project.objects.create(uid=uid, pipeline="text_classification")
    version = ModelVersionFactory(project=project, champion=True, content=artifact())
    for request in recording:
        answer = replay(call, request)
        if request["path"] == "/setup":
            assert answer.json()["model_version"] == version.label
        if request["path"] == "/predict":
            for entry in answer.json()["results"]:
                assert entry["model_version"] == version.label
                assert entry["result"][0]["value"]["choices"][0] in ("Positive", "Negative")


@pytest.mark.parametrize("name", ["retrieve_predictions_on_image_task", "predict_test_on_video"])
def test_media_tasks_get_empty_entries_and_a_reason(name, call):
    request = wire(name)[-1]
    answer = replay(call, request)
    assert answer.json()["results"] == [[] for _ in request["body"]["tasks"]]
    assert Event.objects.get(source="predict").payload["reasons"]


def test_interactive_mode_without_a_model_gets_an_object(call):
    (request,) = wire("interactive_annotating")
    assert replay(call, request).json()["results"] == [{"result": []}]


def test_recorded_basic_credentials_open_everything_but_the_webhook(settings):
    settings.BASIC_AUTH_USER, settings.BASIC_AUTH_PASS = "u", "p"
    for name in ("connect_basic_auth_right", "basic_auth_batch_predict"):
        for request in wire(name):
            sent = {"authorization": request["headers"]["Authorization"]}
            check_form(request, replay(Caller(), request, **sent))
    (event,) = wire("basic_auth_annotation_created_webhook")
    assert "Authorization" not in event["headers"]
    assert replay(Caller(), event).status_code == 401

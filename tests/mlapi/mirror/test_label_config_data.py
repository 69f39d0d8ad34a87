"""Data that Label Studio tells under the field of today's label config, after that has changed."""

import orjson
import pytest

from mlapi.mirror import sync as sync_module
from mlapi.mirror.process_events import process_pending_events
from mlapi.mirror.sync import sync
from mlapi.served_config import resolve
from mlapi.training import dataset
from registry.actions import events, features, run_starts
from registry.models import Feature, Outcome, Project
from tests.e2e.labelstudio_project import config
from tests.factories import ModelVersionFactory, OutcomeFactory
from tests.mlapi.labelstudio.webhooks import annotation
from tests.mlapi.labelstudio_api import CREATED, UNDEFINED, LabelStudioAPI
from tests.mlapi.mirror.syncing import mirrored_tasks, resync

pytestmark = pytest.mark.django_db

IMAGES = (
    '<View><Image name="text" value="${field}"/>'
    '<Choices name="label" toName="text"><Choice value="A"/><Choice value="B"/></Choices></View>'
)


def images(field: str) -> str:
    return IMAGES.replace("{field}", field)


def hypertext(field: str) -> str:
    return config("A", "B", field=field).replace("<Text ", "<HyperText ")


@pytest.fixture
def labelstudio_api(monkeypatch):
    """Label Studio with 40 labelled tasks of a file, which have no field of their own."""
    monkeypatch.setattr(sync_module, "_CONNECTING_S", ())
    with LabelStudioAPI(config("A", "B", field="text")) as api:
        for i in range(40):
            api.add({UNDEFINED: f"<b>text</b> {i}"}, "AB"[i % 2])
        yield api


@pytest.fixture
def connected_project(connected_project) -> Project:
    """The project of that Label Studio, after its first sync."""
    assert sync(connected_project, "a test").error is None
    connected_project.refresh_from_db()
    return connected_project


def receive(project: Project, labelstudio_api: LabelStudioAPI, action: str, **more) -> None:
    """An event as Label Studio sends it: with the project's config as it is then."""
    described = {
        "id": 1,
        "created_at": CREATED,
        "label_config": labelstudio_api.label_config,
        "title": "x",
    }
    events.record(project, action, {"project": described, **more})


def receive_annotation(project: Project, labelstudio_api: LabelStudioAPI, created: dict) -> None:
    """An annotation of task 1, with the task's data as the label config of that moment has them."""
    task = labelstudio_api.as_sent(labelstudio_api.tasks[1])
    sent = {name: value for name, value in task.items() if name != "annotations"}
    receive(project, labelstudio_api, "ANNOTATION_CREATED", annotation=created, task=sent)


def stored_rows(project: Project) -> dict[int, tuple]:
    return {pk: (t.pk, t.labels, t.split, t.input_key) for pk, t in mirrored_tasks(project).items()}


@pytest.mark.parametrize(
    "changed", [config("A", "B", field="body"), config("A", "B", "C", field="body")]
)
@pytest.mark.parametrize("by", ["PROJECT_UPDATED", "SETUP", "sync"])
def test_the_data_are_read_again_and_nothing_else_changes(
    connected_project, labelstudio_api, changed, by
):
    before = stored_rows(connected_project)
    outcome = OutcomeFactory(
        version=ModelVersionFactory(project=connected_project),
        task=mirrored_tasks(connected_project)[1],
    )
    labelstudio_api.label_config = changed
    if by != "sync":
        receive(connected_project, labelstudio_api, by)
        labelstudio_api.calls.clear()
        process_pending_events(connected_project.pk)
        connected_project.refresh_from_db()
        assert labelstudio_api.calls == []  # it is queued, not read with the event
        assert connected_project.data_outdated
        assert connected_project.sync_queued_at
        assert stored_rows(connected_project) == before
    report = resync(connected_project)
    assert report.data_read == 40
    assert not connected_project.data_outdated
    assert {t.data.get("body") for t in mirrored_tasks(connected_project).values()} == {
        f"<b>text</b> {i}" for i in range(40)
    }
    assert stored_rows(connected_project) == before
    assert Outcome.objects.get(pk=outcome.pk).task_id == before[1][0]
    assert resync(connected_project).data_read == 0


def test_a_run_learns_from_the_data_under_the_new_field(
    connected_project, labelstudio_api, tmp_path
):
    labelstudio_api.label_config = config("A", "B", field="body")
    receive(connected_project, labelstudio_api, "PROJECT_UPDATED")
    process_pending_events(connected_project.pk)
    resync(connected_project)
    found = freeze(connected_project, tmp_path)
    assert found.counts["tasks"] == 40
    lines = (tmp_path / "dataset.jsonl").read_bytes().splitlines()
    assert all(orjson.loads(line)["data"]["body"] for line in lines)
    assert "left_out" not in found.counts


def freeze(project: Project, folder):
    served = resolve(project.label_config, project.options)
    run, _ = run_starts.start(project, trigger="admin", actor="tester")
    no_input = served.no_input_key(project.uid)
    return dataset.freeze(run, served.targets, folder, no_input_key=no_input)


def test_a_config_that_came_back_before_the_reading_is_read_too(connected_project, labelstudio_api):
    """An event in between has the data as the config in between shows them."""
    first = labelstudio_api.label_config
    labelstudio_api.label_config = config("A", "B", field="body")
    receive(connected_project, labelstudio_api, "PROJECT_UPDATED")
    receive_annotation(connected_project, labelstudio_api, annotation(99, 1, "A"))
    labelstudio_api.label_config = first
    receive(connected_project, labelstudio_api, "PROJECT_UPDATED")
    process_pending_events(connected_project.pk)
    assert mirrored_tasks(connected_project)[1].data == {"body": "<b>text</b> 0"}
    resync(connected_project)
    assert mirrored_tasks(connected_project)[1].data == {"text": "<b>text</b> 0"}


def test_an_event_from_before_the_change_that_is_applied_after_it_is_read_again(
    connected_project, labelstudio_api
):
    receive_annotation(connected_project, labelstudio_api, annotation(99, 1, "A"))
    labelstudio_api.label_config = config("A", "B", field="body")
    resync(connected_project)
    process_pending_events(connected_project.pk)
    assert mirrored_tasks(connected_project)[1].data == {"text": "<b>text</b> 0"}
    resync(connected_project)
    assert mirrored_tasks(connected_project)[1].data == {"body": "<b>text</b> 0"}


def test_an_object_in_front_of_the_served_one_takes_the_data(connected_project, labelstudio_api):
    labelstudio_api.label_config = labelstudio_api.label_config.replace(
        "<View>", '<View><Audio name="sound" value="$sound"/>'
    )
    receive(connected_project, labelstudio_api, "PROJECT_UPDATED")
    process_pending_events(connected_project.pk)
    assert resync(connected_project).data_read == 40
    assert mirrored_tasks(connected_project)[1].data == {"sound": "<b>text</b> 0"}


@pytest.mark.parametrize("changed", [config("B", "A"), config("A", "B", "C"), config("A")])
def test_other_labels_alone_read_no_data_again(connected_project, labelstudio_api, changed):
    labelstudio_api.label_config = changed
    receive(connected_project, labelstudio_api, "PROJECT_UPDATED")
    process_pending_events(connected_project.pk)
    assert resync(connected_project).data_read == 0


def test_a_config_that_nothing_serves_leaves_the_labels_for_the_one_after_it(
    connected_project, labelstudio_api
):
    before = stored_rows(connected_project)
    labelstudio_api.label_config = '<View><Audio name="a" value="$a"/></View>'
    receive(connected_project, labelstudio_api, "PROJECT_UPDATED")
    process_pending_events(connected_project.pk)
    assert resync(connected_project).data_read == 0
    assert stored_rows(connected_project) == before
    labelstudio_api.label_config = config("A", "B", field="body")
    receive(connected_project, labelstudio_api, "PROJECT_UPDATED")
    process_pending_events(connected_project.pk)
    assert resync(connected_project).data_read == 40
    assert stored_rows(connected_project) == before


def test_images_are_not_embedded_again_for_a_new_name_of_their_field(
    connected_project, labelstudio_api
):
    labelstudio_api.label_config = images("picture")
    for number, task in labelstudio_api.tasks.items():
        task["data"] = {UNDEFINED: f"http://images/{number}.png"}
    receive(connected_project, labelstudio_api, "PROJECT_UPDATED")
    process_pending_events(connected_project.pk)
    resync(connected_project)
    before = stored_rows(connected_project)
    row = features.FeatureRow(
        mirrored_tasks(connected_project)[1].pk, "http://images/1.png", "c" * 64, b"\0" * 4
    )
    features.save(connected_project, "an extractor", [row])
    labelstudio_api.label_config = images("photo")
    receive(connected_project, labelstudio_api, "PROJECT_UPDATED")
    process_pending_events(connected_project.pk)
    resync(connected_project)
    assert mirrored_tasks(connected_project)[1].data == {"photo": "http://images/1.png"}
    assert stored_rows(connected_project) == before
    assert Feature.objects.count() == 1
    labelstudio_api.tasks[1]["data"] = {UNDEFINED: "http://images/other.png"}
    labelstudio_api.tasks[1]["updated_at"] = "2027-01-01T00:00:00Z"
    resync(connected_project)
    assert Feature.objects.count() == 0


def test_inputs_that_become_equal_on_both_sides_leave_the_holdout(
    connected_project, labelstudio_api, tmp_path
):
    before = stored_rows(connected_project)
    holdout = [
        pk for pk, task in mirrored_tasks(connected_project).items() if task.split == "holdout"
    ]
    train = [pk for pk, task in mirrored_tasks(connected_project).items() if task.split == "train"]
    # As texts with their tags they differ, as HyperText they are equal.
    labelstudio_api.tasks[holdout[0]]["data"] = {UNDEFINED: "<i>one</i> text"}
    labelstudio_api.tasks[train[0]]["data"] = {UNDEFINED: "<b>one</b> text"}
    labelstudio_api.label_config = hypertext("body")
    receive(connected_project, labelstudio_api, "PROJECT_UPDATED")
    process_pending_events(connected_project.pk)
    resync(connected_project)
    after = mirrored_tasks(connected_project)
    assert {pk: t.split for pk, t in after.items()} == {pk: v[2] for pk, v in before.items()}
    assert after[holdout[0]].input_key == after[train[0]].input_key != before[train[0]][3]
    found = freeze(connected_project, tmp_path)
    assert found.counts["left_out"] == 1
    assert found.counts["holdout"] == len(holdout) - 1
    assert found.counts["train"] == len(train)
    lines = (tmp_path / "dataset.jsonl").read_bytes().splitlines()
    assert after[holdout[0]].pk not in {orjson.loads(line)["id"] for line in lines}


def test_tasks_without_any_input_are_not_equal_to_each_other(
    connected_project, labelstudio_api, tmp_path
):
    for task in labelstudio_api.tasks.values():
        task["data"] = {"other": "x"}
    labelstudio_api.label_config = config("A", "B", field="body")
    resync(connected_project)
    assert "left_out" not in freeze(connected_project, tmp_path).counts


def test_a_second_pipeline_leaves_labels_splits_and_outcomes_of_the_first(
    connected_project, labelstudio_api
):
    image = images("picture").replace('"text"', '"img"').replace('"label"', '"kind"')
    both = config("A", "B").replace("</View>", image.removeprefix("<View>"))
    before = {pk: row[:3] for pk, row in stored_rows(connected_project).items()}
    outcome = OutcomeFactory(
        version=ModelVersionFactory(project=connected_project),
        task=mirrored_tasks(connected_project)[1],
    )
    for number, task in labelstudio_api.tasks.items():
        task["data"]["picture"] = f"http://images/{number}.png"
    labelstudio_api.label_config = both

    receive(connected_project, labelstudio_api, "PROJECT_UPDATED")
    process_pending_events(connected_project.pk)
    resync(connected_project)

    assert connected_project.pipeline == "image_classification, text_classification"
    assert {pk: row[:3] for pk, row in stored_rows(connected_project).items()} == before
    assert Outcome.objects.get() == outcome
    kind = {"from_name": "kind", "to_name": "img", "type": "choices", "value": {"choices": ["B"]}}
    created = annotation(99, 1, result=[kind], completed_by=2)
    receive_annotation(connected_project, labelstudio_api, created)
    process_pending_events(connected_project.pk)
    task = mirrored_tasks(connected_project)[1]
    assert (task.labels, task.split) == ({"label": "A", "kind": "B"}, before[1][2])

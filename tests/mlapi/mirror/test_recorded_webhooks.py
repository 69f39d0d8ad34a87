"""Recorded webhooks of a real Label Studio, and the mirror after them."""

import json

import pytest

from registry.actions import tasks
from registry.models.event import EventStatus
from tests.factories import ProjectFactory
from tests.mlapi.mirror.processing import apply_events, mirrored
from tests.shared import wire_files

pytestmark = pytest.mark.django_db

# What the mirror of task ids, labels and counts is after each recorded event.
WIRE = {
    "annotation_created": ({1: {"label": "Positive"}}, None),
    "annotation_updated": ({1: {"label": "Negative"}}, None),
    "annotation_skipped_was_cancelled": ({2: {}}, None),
    "annotation_empty_result": ({4: {}}, None),
    "annotation_on_a_prediction_parent_prediction": ({4: {"label": "Positive"}}, None),
    "dm_predictions_to_annotations": ({1: {"label": "Positive"}, 2: {"label": "Positive"}}, None),
    "import_2_tasks_with_annotations": ({6: {}, 7: {}}, "sync"),
    "import_2_tasks_backend_connected": ({4: {}, 5: {}}, None),
    "patch_project_label_config": ({}, None),
    "delete_task": ({}, None),
}


def webhooks_in(path) -> list[dict]:
    requests = json.loads(path.read_text())["requests"]
    return [r["body"] for r in requests if r["path"].endswith("/webhook")]


RECORDED = [path for path in wire_files() if webhooks_in(path)]


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_recorded_webhooks_end_up_in_the_mirror(path):
    bodies = webhooks_in(path)
    project = ProjectFactory(label_config="", fingerprint="", pipeline="", title="")
    ended = apply_events(project, *[(body["action"], body) for body in bodies])
    assert EventStatus.RECEIVED not in {e.status for e in ended}
    assert EventStatus.FAILED not in {e.status for e in ended}, [e.outcome for e in ended]
    project.refresh_from_db()
    assert project.label_config == bodies[-1]["project"]["label_config"]
    assert project.title == bodies[-1]["project"]["title"]
    assert "0000000000" not in json.dumps([e.payload for e in ended])
    if path.stem in WIRE:
        labels, sync = WIRE[path.stem]
        processed = dict(tasks.existing(project).values_list("labelstudio_id", "labels"))
        assert processed == labels
        assert bool(project.sync_queued_at) == bool(sync)
    for row in tasks.existing(project):
        assert row.data
        assert row.source_updated_at


def test_recorded_events_lead_to_the_tasks_of_label_studio(project):
    """Created, edited and deleted again; a task deleted; the rest stays."""
    names = ("annotation_created", "annotation_updated", "annotation_deleted")
    files = {path.stem: path for path in wire_files()}
    if not files:
        pytest.skip("needs ../shared/wire beside the repository")
    for name in names:
        apply_events(project, *[(body["action"], body) for body in webhooks_in(files[name])])
    assert mirrored(project).labels == {}
    assert mirrored(project).annotations == []

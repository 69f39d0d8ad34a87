"""Events with a label config: the stored fields, and the tasks that are relabelled."""

import pytest

from mlapi.mirror import apply_changes
from mlapi.mirror.process_events import process_pending_events
from registry.models import Project, Task
from tests.factories import ProjectFactory
from tests.mlapi.labelstudio.webhooks import CONFIG, annotated
from tests.mlapi.mirror.processing import apply_events, mirrored

pytestmark = pytest.mark.django_db


def test_the_first_event_of_an_unknown_project_brings_its_label_config():
    project = ProjectFactory(label_config="", fingerprint="", pipeline="", title="")
    apply_events(project, ("ANNOTATION_CREATED", annotated(5, 1, "Positive")))
    project.refresh_from_db()
    assert project.label_config == CONFIG
    assert project.pipeline == "text_classification"
    assert project.title == "A project"
    assert mirrored(project).labels == {"label": "Positive"}


def test_a_renamed_label_relabels_every_task(project):
    apply_events(
        project,
        ("ANNOTATION_CREATED", annotated(5, 1, "Positive")),
        ("ANNOTATION_CREATED", annotated(6, 2, "Negative")),
    )
    before = project.fingerprint
    renamed = CONFIG.replace("Positive", "Good")
    payload = {"project": {"id": 1, "title": "T", "label_config": renamed}}
    (event,) = apply_events(project, ("PROJECT_UPDATED", payload))
    project.refresh_from_db()
    assert (project.label_config, project.title) == (renamed, "T")
    assert project.fingerprint != before
    assert mirrored(project, 1).labels == {}
    assert mirrored(project, 2).labels == {"label": "Negative"}
    assert "other targets or labels" in event.outcome
    # And back: the annotations are unchanged.
    apply_events(project, ("PROJECT_UPDATED", {"project": {"label_config": CONFIG}}))
    assert mirrored(project, 1).labels == {"label": "Positive"}


TWO_CONTROLS = CONFIG.replace(
    "</View>",
    '<Choices name="topics" toName="text" choice="multiple">'
    '<Choice value="price"/><Choice value="taste"/></Choices></View>',
)


def test_an_annotation_older_than_a_control_has_no_label_for_it(project):
    apply_events(project, ("ANNOTATION_CREATED", annotated(5, 1, "Positive")))
    apply_events(project, ("PROJECT_UPDATED", {"project": {"id": 1, "label_config": TWO_CONTROLS}}))
    assert mirrored(project).labels == {"label": "Positive"}
    project.refresh_from_db()
    years = 60 * 24 * 365 * 100.0  # in minutes: after the config changed, whenever this runs
    late = annotated(6, 2, "Negative", made=years)
    late["project"]["label_config"] = TWO_CONTROLS
    apply_events(project, ("ANNOTATION_CREATED", late))
    assert mirrored(project, 2).labels == {"label": "Negative", "topics": []}


def test_controls_of_the_first_config_have_empty_sets():
    project = ProjectFactory(label_config="", fingerprint="", pipeline="")
    apply_changes.refresh_config(project, TWO_CONTROLS)
    first = annotated(5, 1, "Positive")
    first["project"]["label_config"] = TWO_CONTROLS
    apply_events(project, ("ANNOTATION_CREATED", first))
    assert mirrored(project).labels == {"label": "Positive", "topics": []}


def test_a_config_with_the_same_targets_relabels_nothing(project):
    apply_events(project, ("ANNOTATION_CREATED", annotated(5, 1, "Positive")))
    changed_at = mirrored(project).labels_changed_at
    before = project.fingerprint
    apply_events(
        project, ("PROJECT_UPDATED", {"project": {"label_config": CONFIG.replace("><", ">\n<")}})
    )
    project.refresh_from_db()
    assert "\n" in project.label_config
    assert project.fingerprint == before
    assert mirrored(project).labels_changed_at == changed_at


@pytest.mark.parametrize(
    "config", ["<View>", '<!DOCTYPE v [<!ENTITY x "y">]><View>&x;</View>', "<View></View>"]
)
def test_an_unserved_config_is_stored_with_the_reason(project, config):
    apply_events(project, ("ANNOTATION_CREATED", annotated(5, 1, "Positive")))
    apply_events(project, ("PROJECT_UPDATED", {"project": {"label_config": config}}))
    project.refresh_from_db()
    assert project.label_config == config
    assert project.pipeline == ""
    assert project.unserved_reason
    # The labels wait for the config that comes after it.
    assert mirrored(project).labels == {"label": "Positive"}


def test_an_upgrade_that_serves_a_config_otherwise_relabels(project):
    apply_events(project, ("ANNOTATION_CREATED", annotated(5, 1, "Positive")))
    Task.objects.update(labels={})
    Project.objects.update(fingerprint="of an older release", pipeline="")
    process_pending_events(project.pk)
    project.refresh_from_db()
    assert project.pipeline == "text_classification"
    assert mirrored(project).labels == {"label": "Positive"}


def test_a_setup_stores_its_config_and_the_first_one_requests_a_sync(project):
    renamed = CONFIG.replace("Positive", "Good")
    apply_events(project, ("SETUP", {"project": {"label_config": renamed}, "first": True}))
    project.refresh_from_db()
    assert project.label_config == renamed
    assert project.sync_queued_at

"""A training that finds the champion again: the run says so, and the version string stays."""

import pytest

from mlapi.training.policy_inputs import policy_inputs_of
from mlapi.training.run import challenge
from registry.actions import project_settings, projects
from registry.models import AuditEntry, Project
from tests.factories import LABEL_CONFIG

from .projects import label
from .runs import finished_run

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def champion(project):
    return finished_run(project, train="repeat").version


def test_training_again_without_a_changed_label_makes_no_version(project, champion):
    run = finished_run(project, train="repeat")
    assert (run.state, run.same_as) == ("succeeded", champion)
    assert not hasattr(run, "version")
    assert project.versions.count() == 1
    assert f"the model is {champion.label} again" in run.log
    assert Project.objects.get(pk=project.pk).served_version == champion.label
    assert not AuditEntry.objects.filter(run=run, verb="promote").exists()


def test_labels_that_change_nothing_are_not_counted_again(project, champion):
    """The policy waits for labels that are new to this run, not to the champion."""
    label(project, {"Positive": 15}, first_id=1000)
    finished_run(project, train="repeat")
    assert policy_inputs_of([Project.objects.get(pk=project.pk)])[0].changed == 0


def test_nothing_new_is_not_challenged(project, champion):
    assert challenge(finished_run(project, train="repeat")) is None


def test_another_model_is_a_version(project, champion):
    run = finished_run(project)
    assert run.same_as is None
    assert run.version.number == 2


def test_other_options_are_a_version(project, champion):
    project_settings.configure(project, actor="ada", options={"encoder_tokens": 128})
    run = finished_run(project, train="repeat")
    assert run.version.number == 2
    assert run.version.artifact_sha256 == champion.artifact_sha256


def test_a_changed_label_config_is_a_version_also_when_it_is_changed_back(project, champion):
    """Only a new version string re-opens the tasks in Label Studio."""
    fingerprint = Project.objects.get(pk=project.pk).fingerprint
    for config, now in ((LABEL_CONFIG + " ", "other"), (LABEL_CONFIG, fingerprint)):
        row = Project.objects.get(pk=project.pk)
        projects.set_config(row, config, fingerprint=now, pipeline="text_classification")
    run = finished_run(project, train="repeat")
    assert run.version.number == 2
    assert run.version.artifact_sha256 == champion.artifact_sha256

"""The factories make what they say, because every other test stands on them."""

import pytest

from registry.models.run import RunState
from tests import factories as make

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("state", RunState.values)
def test_a_run_is_made_in_every_state(state):
    assert make.TrainingRunFactory(state=state).state == state


def test_a_version_is_registered_and_promoted():
    version = make.ModelVersionFactory(champion=True)
    version.project.refresh_from_db()
    assert version.project.served_version == version.label
    assert version.run.state == RunState.SUCCEEDED
    assert version.targets.get().name == "label"


def test_versions_of_one_project_follow_each_other():
    project = make.ProjectFactory()
    assert [make.ModelVersionFactory(project=project).number for _ in range(3)] == [1, 2, 3]


def test_the_other_rows_are_made():
    assert make.TaskFactory(labelled="Positive").labels == {"label": "Positive"}
    assert make.OutcomeFactory().correct
    assert make.EventFactory().pk
    assert len(make.AccessKeyFactory().plain) == 32
    assert make.WorkerFactory().pk

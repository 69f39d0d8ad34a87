"""The options of controls in a run: the jobs of its parts, and what the policy waits for."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from mlapi.domain import UnknownOption
from mlapi.mirror.apply_changes import refresh_stored_config
from mlapi.served_config import resolve
from mlapi.training import policy
from mlapi.training.freezing import parameters_of
from mlapi.training.policy_inputs import policy_inputs_of
from mlapi.training.preparation import write_jobs
from registry.actions import project_settings, run_starts, runs
from registry.models import Project, TrainingRun
from tests.factories import ProjectFactory
from tests.mlapi.training.test_policy_of_images import LATER, after_a_run, put

pytestmark = pytest.mark.django_db

CHOICES = '<Choice value="cat"/><Choice value="dog"/>'
CONFIG = (
    '<View><Image name="img" value="$image"/>'
    f'<Choices name="kind" toName="img">{CHOICES}</Choices>'
    f'<Choices name="looks" toName="img">{CHOICES}</Choices></View>'
)
CATS, DOGS = {"similar_to": "cat", "k": 3}, {"similar_to": "dog"}


def configured(project: Project, **controls) -> Project:
    options = {"controls": controls}
    project_settings.configure(project, options=options, actor="tester")
    refresh_stored_config(project)
    project.refresh_from_db()
    return project


def project_of(**controls) -> Project:
    return configured(ProjectFactory(label_config=CONFIG, pipeline=""), **controls)


def jobs_of(project: Project, **parameters):
    run, _ = run_starts.start(project, trigger=TrainingRun.Trigger.ADMIN, actor="tester")
    run.parameters = parameters
    match = resolve(project.label_config, project.options).match
    with TemporaryDirectory() as folder:
        jobs = write_jobs(Path(folder), run, match, 1, None)
    runs.cancel(run.pk, actor="tester")
    return jobs


def test_each_part_has_a_job_with_its_targets_and_options():
    first, second = jobs_of(project_of(kind=CATS, looks=DOGS))

    assert [(j.name, [t.name for t in j.targets]) for j in (first, second)] == [
        ("image_similarity/1", ["kind"]),
        ("image_similarity/2", ["looks"]),
    ]
    assert (first.options["similar_to"], first.options["k"]) == ("cat", 3)
    assert (second.options["similar_to"], second.options["k"]) == ("dog", 10)
    assert first.time_limit_s == second.time_limit_s
    assert first.artifact != second.artifact


def test_a_run_that_is_tried_again_has_its_options_and_todays_pipelines():
    project = project_of(kind=CATS, looks={"automl": "on"})
    recorded = parameters_of(jobs_of(project), project.options)["options"]
    assert recorded["controls"] == {"kind": CATS, "looks": {"automl": "on"}}

    configured(project, kind={"similar_to": "dog", "k": 8}, looks={"automl": "off"})
    classified, similar = jobs_of(project, options=recorded)

    assert classified.options["automl"] == "on"
    assert (similar.options["similar_to"], similar.options["k"]) == ("dog", 3)


def test_an_option_of_a_run_that_no_pipeline_has_is_refused():
    with pytest.raises(UnknownOption, match="'speed'"):
        jobs_of(project_of(), options={"speed": 9})


def test_one_reference_of_any_control_is_enough():
    project = project_of(kind=CATS, looks=DOGS)
    put(project, 5)
    put(project, 1, kind="dog", looks="cat")
    assert policy.decide(project, LATER).state == "classes"
    put(project, 1, first=2, looks="dog")
    assert policy.decide(project, LATER).state == "due"


@pytest.mark.parametrize(
    ("controls", "asks"),
    [
        ({"kind": {"similar_to": "dog"}}, True),
        ({"looks": {"similar_to": "cat"}}, True),
        ({"kind": CATS, "looks": {"cluster": True}}, True),
        ({}, True),
        ({"kind": {**CATS, "k": 9}}, False),
        ({"kind": CATS, "looks": {"automl": "on"}}, False),
    ],
)
def test_what_a_control_is_filled_with_asks_for_a_run(controls, asks):
    project = project_of(kind=CATS)
    put(project, 3, kind="cat")
    after_a_run(project)

    configured(project, **controls)

    (inputs,) = policy_inputs_of([project])
    assert inputs.config_changed is asks

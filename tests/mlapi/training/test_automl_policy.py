"""When EvaDB's AutoML is raced."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from mlapi.domain import Match, TargetSpec
from mlapi.pipelines.classification.automl import AUTOML
from mlapi.training import job as jobs
from registry.actions import runs
from registry.models import Project, TrainingRun
from tests.factories import ModelVersionFactory, ProjectFactory

MATCH = Match(
    "text_classification",
    (TargetSpec("label", "text", "Text", "text", "single", ("Positive", "Negative")),),
)

pytestmark = pytest.mark.django_db

START = TrainingRun.Trigger.START_TRAINING
POLICY = TrainingRun.Trigger.POLICY


def a_run(project, trigger=POLICY):
    return runs.start(project, trigger=trigger)[0]


def planned(run, choice="auto"):
    """Whether the run's job races AutoML, and why not."""
    Project.objects.filter(pk=run.project_id).update(options={"automl": choice})
    run.project.refresh_from_db()
    with TemporaryDirectory() as folder:
        job = jobs.write(Path(folder), run, MATCH, 1, None)
    return job.parameters["automl"], job.notes.get("automl", "")


def after_race(project, *scores):
    """An earlier run in which AutoML had these scores, one per target, against 0.80."""
    run = runs.claim(a_run(project).pk, "worker@test")
    candidates = []
    for number, score in enumerate(scores):
        candidates += [
            {"target": f"t{number}", "name": "words", "score": 0.80},
            {"target": f"t{number}", "name": AUTOML, "score": score},
        ]
    runs.set_details(run, candidates=candidates)
    runs.succeed(run)


def test_it_is_raced_in_the_first_run():
    assert planned(a_run(ProjectFactory())) == (True, "")


@pytest.mark.parametrize(("trigger", "raced"), [(START, True), (POLICY, False)])
def test_later_it_is_raced_on_start_training_only(trigger, raced):
    project = ProjectFactory()
    ModelVersionFactory(project=project)
    race, note = planned(a_run(project, trigger))
    assert (race, bool(note)) == (raced, not raced)


@pytest.mark.parametrize(
    ("scores", "raced"),
    [([0.74], False), ([0.76], True), ([0.90], True), ([0.5, 0.79], True), ([None], True)],
)
def test_it_is_skipped_once_it_has_lost_clearly(scores, raced):
    project = ProjectFactory()
    after_race(project, *scores)
    race, note = planned(a_run(project, START))
    assert race is raced
    assert raced or "lost by more than 0.05" in note


@pytest.mark.parametrize(("choice", "raced"), [("on", True), ("off", False)])
def test_the_option_decides_before_all_else(choice, raced):
    project = ProjectFactory()
    after_race(project, 0.1)
    assert planned(a_run(project), choice)[0] is raced

"""When EvaDB's AutoML is a candidate."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from mlapi.domain import Match, TargetSpec
from mlapi.pipelines.classification.automl import AUTOML
from mlapi.training.preparation import write_jobs
from registry.actions import runs
from registry.models import Project, TrainingRun
from tests.factories import ModelVersionFactory, ProjectFactory

LABELS = ("Positive", "Negative")
PIPELINE = "text_classification"
MATCH = Match(
    (TargetSpec("label", "text", "Text", "text", "choice", LABELS, pipeline=PIPELINE),),
)

pytestmark = pytest.mark.django_db

START = TrainingRun.Trigger.START_TRAINING
POLICY = TrainingRun.Trigger.POLICY


def a_run(project, trigger=POLICY):
    return runs.start(project, trigger=trigger)[0]


def planned(run, choice="auto"):
    """Whether the run's job has AutoML, and why not."""
    Project.objects.filter(pk=run.project_id).update(options={"automl": choice})
    run.project.refresh_from_db()
    with TemporaryDirectory() as folder:
        (job,) = write_jobs(Path(folder), run, MATCH, 1, None)
    return job.parameters["automl"], job.notes.get("automl", "")


def after_selection(project, *scores):
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


def test_it_takes_part_in_the_first_run():
    assert planned(a_run(ProjectFactory())) == (True, "")


@pytest.mark.parametrize(("trigger", "takes_part"), [(START, True), (POLICY, False)])
def test_later_it_takes_part_on_start_training_only(trigger, takes_part):
    project = ProjectFactory()
    ModelVersionFactory(project=project)
    chosen, note = planned(a_run(project, trigger))
    assert (chosen, bool(note)) == (takes_part, not takes_part)


@pytest.mark.parametrize(
    ("scores", "takes_part"),
    [([0.74], False), ([0.76], True), ([0.90], True), ([0.5, 0.79], True), ([None], True)],
)
def test_it_is_skipped_once_it_was_clearly_worse(scores, takes_part):
    project = ProjectFactory()
    after_selection(project, *scores)
    chosen, note = planned(a_run(project, START))
    assert chosen is takes_part
    assert takes_part or "worse by more than 0.05" in note


@pytest.mark.parametrize(("choice", "takes_part"), [("on", True), ("off", False)])
def test_the_option_decides_before_all_else(choice, takes_part):
    project = ProjectFactory()
    after_selection(project, 0.1)
    assert planned(a_run(project), choice)[0] is takes_part

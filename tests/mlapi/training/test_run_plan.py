"""The candidates of a training, and when EvaDB's AutoML challenges its version."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from mlapi.domain import Match, TargetSpec
from mlapi.pipelines.classification.automl import AUTOML
from mlapi.training.preparation import write_jobs
from registry.actions import run_starts, runs
from registry.models import AuditEntry, Project, TrainingRun
from registry.models.run import RunKind
from tests.factories import ProjectFactory, TrainingRunFactory

LABELS = ("Positive", "Negative")
PIPELINE = "text_classification"


def match(kind="choice"):
    target = TargetSpec("label", "text", "Text", "text", kind, LABELS, pipeline=PIPELINE)
    return Match((target,))


pytestmark = pytest.mark.django_db


@pytest.fixture
def project():
    return ProjectFactory()


def automl_plan(project, choice="auto", examples=300, kind="choice", of=RunKind.TRAINING):
    """Whether the next run has AutoML, whether a challenger follows it, and why not."""
    Project.objects.filter(pk=project.pk).update(options={"automl": choice})
    project.refresh_from_db()
    run, _ = run_starts.start(project, kind=of, trigger=TrainingRun.Trigger.POLICY)
    run.dataset_counts = {"targets": {"label": {"train": examples}}}
    with TemporaryDirectory() as folder:
        (job,) = write_jobs(Path(folder), run, match(kind), 1, None)
    chosen = job.parameters
    return chosen["automl"], chosen["challenger"], job.notes.get("automl", "")


def add_challenger(project, *, promoted=False, state="succeeded"):
    """An earlier challenger of the project."""
    run = TrainingRunFactory(project=project, kind=RunKind.CHALLENGER, state=state)
    if promoted:
        AuditEntry.objects.create(project=project, run=run, verb="promote")
    return run


def test_a_training_goes_without_it_and_a_challenger_follows(project):
    automl, challenger, note = automl_plan(project)
    assert (automl, challenger) == (False, True)
    assert "as a challenger" in note


def test_a_challenger_has_it_and_none_follows(project):
    assert automl_plan(project, of=RunKind.CHALLENGER) == (True, False, "")


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ({"choice": "off"}, "switched off"),
        ({"examples": 199}, "under 200 examples"),
        ({"kind": "choices"}, "one choice only"),
    ],
)
def test_none_follows_where_it_cannot_be_fitted_or_is_switched_off(project, how, why):
    _, challenger, note = automl_plan(project, **how)
    assert not challenger
    assert why in note


@pytest.mark.parametrize(("choice", "follows"), [("auto", False), ("on", True)])
def test_one_that_won_is_followed_by_another_only_where_the_option_is_on(project, choice, follows):
    add_challenger(project, promoted=True)
    assert automl_plan(project, choice)[1] is follows


@pytest.mark.parametrize("state", ["succeeded", "failed"])
def test_one_that_lost_or_failed_is_the_last(project, state):
    lost = add_challenger(project, state=state)
    _, challenger, note = automl_plan(project, "on")
    assert not challenger
    assert f"lost in run {lost.pk}" in note


def test_one_that_a_training_ended_does_not_count(project):
    add_challenger(project, state="cancelled")
    assert automl_plan(project)[1]


def test_of_one_that_was_queued_again_the_second_counts(project):
    run_starts.retry(add_challenger(project, state="failed"), actor="worker")
    assert automl_plan(project)[1]


@pytest.mark.parametrize(
    ("candidate", "choice", "follows"),
    [
        ({"score": 0.7, "won": False}, "on", False),
        ({"score": 0.9, "won": True}, "on", True),
        ({"score": 0.9, "won": True}, "auto", False),
        ({"score": None, "won": False}, "auto", True),
    ],
)
def test_a_run_of_before_there_were_challengers_counts(project, candidate, choice, follows):
    rows = [{"name": AUTOML, "target": "label", **candidate}]
    run = TrainingRunFactory(project=project, state="running")
    runs.set_details(run, candidates=rows)
    runs.succeed(run)
    assert automl_plan(project, choice)[1] is follows


def add_training_scores(project, n=200, won="", **scores):
    """An earlier training with these scores of candidates on n examples."""
    run = TrainingRunFactory(project=project, state="running")
    of = {"target": "label", "n": n}
    rows = [
        {"name": name, "score": score, "won": name == won, **of} for name, score in scores.items()
    ]
    fingerprint = {"fingerprint": project.fingerprint}
    runs.set_details(run, candidates=rows, parameters=fingerprint)
    runs.succeed(run)


def left_out(project):
    run, _ = run_starts.start(project, trigger=TrainingRun.Trigger.POLICY)
    with TemporaryDirectory() as folder:
        (job,) = write_jobs(Path(folder), run, match(), 1, None)
    return job.parameters["left_out"]


@pytest.mark.parametrize(("words", "expected"), [(0.74, ["words"]), (0.76, [])])
def test_a_candidate_that_lost_clearly_is_left_out(project, words, expected):
    add_training_scores(project, words=words, characters=0.8)
    assert left_out(project) == expected


def test_on_few_examples_none_loses_clearly(project):
    add_training_scores(project, n=99, words=0.5, characters=0.8)
    assert left_out(project) == []


def test_one_that_was_chosen_all_the_same_is_not_left_out(project):
    add_training_scores(project, won="words", words=0.7, characters=0.8)
    assert left_out(project) == []


def test_it_is_fitted_in_every_fifth_training(project):
    add_training_scores(project, words=0.6, characters=0.8)
    for _ in range(3):
        add_training_scores(project, words=None, characters=0.8)
    assert left_out(project) == ["words"]


def test_after_four_trainings_without_it_it_is_fitted_again(project):
    add_training_scores(project, words=0.6, characters=0.8)
    for _ in range(4):
        add_training_scores(project, words=None, characters=0.8)
    assert left_out(project) == []


def test_another_label_config_is_another_matter(project):
    add_training_scores(project, words=0.6, characters=0.8)
    Project.objects.filter(pk=project.pk).update(fingerprint="another")
    project.refresh_from_db()
    assert left_out(project) == []

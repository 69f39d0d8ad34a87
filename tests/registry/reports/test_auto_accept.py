"""The score from which predictions can be accepted unseen."""

import numpy as np
import pytest

from registry.actions import champion, project_settings
from registry.actions.project_settings import InvalidSetting
from registry.models import Outcome, TaskScore
from registry.reports.auto_accept import auto_accept, threshold
from tests.factories import ModelVersionFactory, OutcomeFactory, ProjectFactory, TaskFactory


def random_scores(seed, n):
    """Scores, and whether each is right: as often as its score says."""
    rng = np.random.default_rng(seed)
    scores = rng.beta(16, 1, size=n)
    return scores, rng.random(n) < scores


@pytest.mark.parametrize("budget", [0.05, 0.1, 0.2])
def test_a_budget_holds_on_fresh_data(budget):
    fresh, right = random_scores(1000, 100_000)
    errors = []
    for seed in range(200):
        found = threshold(*random_scores(seed, 600), budget)
        if found is not None:
            errors.append(1 - right[fresh >= found].mean())
    assert len(errors) > 150
    assert np.mean(np.array(errors) > budget) <= 0.05
    # And it isn't thrown away.
    assert np.mean(errors) > budget / 4


def test_a_model_that_is_often_wrong_where_it_is_sure_has_no_threshold():
    rng = np.random.default_rng(0)
    assert threshold(rng.random(500), rng.random(500) < 0.8, 0.05) is None


def test_few_labels_prove_nothing():
    assert threshold(np.linspace(0.5, 1, 40), np.ones(40, bool), 0.05) is None
    assert threshold([], np.zeros(0, bool), 0.05) is None


def test_equal_scores_are_accepted_together_or_not_at_all():
    scores = np.repeat([0.9, 0.8], 300)
    right = np.r_[np.ones(300, bool), np.ones(150, bool), np.zeros(150, bool)]
    assert threshold(scores, right, 0.05) == 0.9


@pytest.fixture
def project(db):
    project = ProjectFactory()
    version = ModelVersionFactory(project=project)
    champion.promote(version, actor="tester", reason="")
    project.refresh_from_db()
    return project


def add_outcomes(
    project, n, score, right=True, source=Outcome.Source.HOLDOUT, target="label", tasks=None
):
    for task in tasks or TaskFactory.create_batch(n, project=project):
        OutcomeFactory(
            version=project.champion,
            task=task,
            target=target,
            source=source,
            score=score,
            correct=right,
        )


def test_the_share_of_unlabelled_tasks_and_the_errors_are_counted(project):
    add_outcomes(project, 150, 0.9, source=Outcome.Source.OUT_OF_FOLD)
    add_outcomes(project, 1, 0.95, right=False, source=Outcome.Source.PREQUENTIAL)
    add_outcomes(project, 50, 0.5, right=False)
    add_outcomes(project, 50, 0.95, right=False, source=Outcome.Source.SHOWN)
    for score in (0.95, 0.91, 0.6, 0.3, None):
        task = TaskFactory(project=project)
        TaskScore.objects.create(version=project.champion, task=task, score=score)

    found = auto_accept(project)

    assert (found.budget, found.threshold, found.n) == (0.05, 0.9, 201)
    assert (found.accepted, found.wrong) == (151, 1)
    assert (found.unlabelled, found.share) == (4, 0.5)
    assert found.sentence == "at 0.9 and above, 50% of the unlabelled tasks: at most 5 % wrong"


def test_a_task_is_as_sure_as_its_least_sure_target_and_right_in_all(project):
    tasks = TaskFactory.create_batch(150, project=project)
    add_outcomes(project, 0, 0.99, tasks=tasks)
    add_outcomes(project, 0, 0.7, tasks=tasks, target="tone")
    assert auto_accept(project).threshold == 0.7
    Outcome.objects.filter(target="tone").update(correct=False)
    assert auto_accept(project).threshold is None


def test_without_a_champion_nothing_can_be_accepted(db):
    found = auto_accept(ProjectFactory())
    assert (found.threshold, found.n, found.share) == (None, 0, None)


@pytest.mark.parametrize("budget", [0, 1, -0.1, float("nan"), True, "5 %"])
def test_a_budget_is_a_share(project, budget):
    with pytest.raises(InvalidSetting):
        project_settings.configure(project, error_budget=budget, actor="tester")
    project_settings.configure(project, error_budget=0.02, actor="tester")
    project.refresh_from_db()
    assert auto_accept(project).budget == 0.02

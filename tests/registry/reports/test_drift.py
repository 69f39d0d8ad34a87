"""Whether a champion's scores of new tasks differ from those of the tasks before."""

from datetime import timedelta

import numpy as np
import pytest
from django.utils import timezone

from registry.actions import champion
from registry.models import Project, Task, TaskScore, TrainingRun
from registry.reports.drift import Counted, compared, drift
from tests.factories import ModelVersionFactory, OutcomeFactory, ProjectFactory, TaskFactory


def counted(side, scores):
    return [Counted(side, number, 1) for number in (scores * 100).astype(int)]


def found(seed, n_before, n, sure=8.0):
    rng = np.random.default_rng(seed)
    before, new = rng.beta(8, 2, n_before), rng.beta(sure, 2, n)
    return compared(counted("before", before) + counted("new", new))


def test_it_is_quiet_where_nothing_has_changed():
    alarms = [found(seed, 300, 100).is_found for seed in range(1_000)]
    assert sum(alarms) <= 5


def test_less_sure_answers_are_found_in_a_hundred_tasks():
    alarms = [found(seed, 300, 100, sure=3.0).is_found for seed in range(100)]
    assert sum(alarms) >= 95


def test_few_tasks_prove_nothing():
    assert found(0, 300, 49, sure=1.0) is None
    assert found(0, 49, 300, sure=1.0) is None


def test_weighted_tasks_count_as_fewer():
    heavy = [Counted("before", 80, 1, weight=5.0)] * 60
    light = [Counted("before", 80, 60)]
    result = compared([*heavy, *light, Counted("new", 80, 100)])
    assert result.n_before == 360**2 // (60 * 25 + 60)


@pytest.fixture
def project(db):
    project = ProjectFactory()
    version = ModelVersionFactory(project=project)
    now = timezone.now()
    TrainingRun.objects.filter(pk=version.run_id).update(
        snapshot_at=now - timedelta(days=2), dataset_counts={"tasks": 100, "holdout": 20}
    )
    champion.promote(version, actor="tester", reason="")
    return Project.objects.select_related("champion__run").get(pk=project.pk)


def add_tasks(project, n, days_ago, score=None):
    tasks = TaskFactory.create_batch(n, project=project)
    at = timezone.now() - timedelta(days=days_ago)
    Task.objects.filter(pk__in=[task.pk for task in tasks]).update(created_at=at)
    if score is not None:
        TaskScore.objects.bulk_create(
            TaskScore(version=project.champion, task=task, score=score) for task in tasks
        )
    return tasks


def test_labelled_and_unlabelled_tasks_of_both_times_are_compared(
    project, django_assert_num_queries
):
    for task in add_tasks(project, 20, days_ago=5):
        OutcomeFactory(version=project.champion, task=task, source="holdout", score=0.95)
    add_tasks(project, 100, days_ago=5, score=0.9)
    for task in add_tasks(project, 30, days_ago=1):
        OutcomeFactory(version=project.champion, task=task, source="prequential", score=0.3)
    add_tasks(project, 70, days_ago=1, score=0.3)

    with django_assert_num_queries(2):
        result = drift(project)

    # 20 tasks of the holdout stand for 100.
    assert (result.n, result.n_before) == (100, 200**2 // (20 * 25 + 100))
    assert result.is_found
    assert result.mean_before == pytest.approx(0.93, abs=0.01)
    assert "is 0.30 (n = 100)" in result.sentence


def test_a_task_is_as_sure_as_its_least_sure_target(project):
    add_tasks(project, 60, days_ago=5, score=0.9)
    for task in add_tasks(project, 60, days_ago=1):
        for target, score in (("label", 0.9), ("tone", 0.2)):
            OutcomeFactory(
                version=project.champion,
                task=task,
                target=target,
                source="prequential",
                score=score,
            )
    assert drift(project).mean == pytest.approx(0.2, abs=0.01)


def test_without_new_tasks_or_a_champion_there_is_nothing(project):
    add_tasks(project, 200, days_ago=5, score=0.9)
    assert drift(project) is None
    assert drift(ProjectFactory()) is None

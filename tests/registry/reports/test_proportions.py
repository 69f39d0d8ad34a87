"""Proportions of correct predictions: whether the order of the tasks to label next helps."""

from datetime import timedelta

import pytest
from django.utils import timezone

from registry.actions import label_next
from registry.models import PickedTask
from registry.reports.proportions import picked_accuracy
from tests import factories as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def version():
    return make.ModelVersionFactory(champion=True)


def label_picked_tasks(version, right, wrong, *, at_random, source="prequential"):
    """Tasks of the tab that humans then labelled, some as predicted and some otherwise."""
    for n in range(right + wrong):
        task = make.TaskFactory(project=version.project, labelled="Positive")
        label_next.record_tab(version.project, 7, {task.pk: at_random}, actor="ada")
        make.OutcomeFactory(version=version, task=task, correct=n < right, source=source)


def test_an_order_that_finds_what_the_champion_does_not_know_helps(version):
    label_picked_tasks(version, 8, 22, at_random=False)
    label_picked_tasks(version, 27, 3, at_random=True)
    found = picked_accuracy(version.project)
    assert (found.chosen.n, found.chosen.correct) == (30, 8)
    assert (found.at_random.n, found.at_random.correct) == (30, 27)
    assert found.sentence.startswith("The order helps: ")
    assert "27% of the chosen tasks (n = 30) and in 90% of the random ones (n = 30)" in (
        found.sentence
    )


def test_one_that_chance_explains_only_may_help(version):
    label_picked_tasks(version, 24, 6, at_random=False)
    label_picked_tasks(version, 25, 5, at_random=True)
    assert picked_accuracy(version.project).sentence.startswith("The order may help: ")


def test_one_whose_tasks_the_champion_knows_as_well_does_not(version):
    label_picked_tasks(version, 28, 2, at_random=False)
    label_picked_tasks(version, 22, 8, at_random=True)
    assert picked_accuracy(version.project).sentence.startswith("The order does not help so far")


def test_nothing_is_claimed_of_fewer_than_twenty_of_either(version):
    label_picked_tasks(version, 30, 0, at_random=False)
    label_picked_tasks(version, 19, 0, at_random=True)
    assert "30 of chosen tasks and 19 of random ones so far" in (
        picked_accuracy(version.project).sentence
    )


def test_holdouts_other_projects_and_answers_from_before_do_not_count(version):
    label_picked_tasks(version, 5, 0, at_random=False, source="holdout")
    label_picked_tasks(make.ModelVersionFactory(champion=True), 5, 0, at_random=False)
    label_picked_tasks(version, 1, 0, at_random=False)
    later = timezone.now() + timedelta(hours=1)
    PickedTask.objects.filter(task__project=version.project).update(picked_at=later)
    assert picked_accuracy(version.project).chosen.n == 0


def test_a_task_stays_what_it_was_picked_as_first(version):
    task = make.TaskFactory(project=version.project)
    for at_random in (True, False):
        label_next.record_tab(version.project, 7, {task.pk: at_random}, actor="ada")
    assert PickedTask.objects.get().at_random is True

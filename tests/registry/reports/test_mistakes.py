"""Where a version was wrong, and sure of it."""

import pytest

from registry.models import Task
from registry.reports.mistakes import mistakes
from tests.factories import OutcomeFactory, ProjectFactory

from .records import judged, labelled_tasks, queries

pytestmark = pytest.mark.django_db

WRONG = ("Positive", "Negative")


@pytest.fixture
def project():
    return ProjectFactory()


def test_the_surest_mistake_comes_first_and_right_answers_never(project):
    ids = labelled_tasks(project, 5)
    said = [(*WRONG, 0.6), (*WRONG, 0.9), ("Positive", "Positive", 0.99), (*WRONG, 0.7)]
    version = judged(project, [*said, ("Positive", None, None)], ids)
    found = mistakes(version)
    assert [m.score for m in found] == [0.9, 0.7, 0.6, None]
    assert [m.task.id for m in found] == [ids[1], ids[3], ids[0], ids[4]]
    first = found[0]
    assert (first.human, first.predicted, first.target) == (*WRONG, "label")
    assert first.task.text == Task.objects.get(pk=ids[1]).data["text"]


def test_as_many_as_are_asked_for_and_of_the_target_and_source_that_are(project):
    version = judged(project, [WRONG] * 3)
    OutcomeFactory(version=version, predicted="Negative", source="holdout", target="other")
    OutcomeFactory(version=version, predicted="Negative")
    assert len(mistakes(version)) == 4
    assert len(mistakes(version, limit=2)) == 2
    assert len(mistakes(version, target="label")) == 3
    assert len(mistakes(version, source="prequential")) == 1


def test_the_queries_do_not_grow_with_the_mistakes(project):
    few, many = judged(project, [WRONG]), judged(project, [WRONG] * 15)
    assert queries(lambda: mistakes(few)) == queries(lambda: mistakes(many)) == 2

"""The tasks to label next, and the confident mistakes of a version."""

import pytest

from registry.actions import scores
from registry.actions.scores import Certainty
from registry.models import Task
from registry.reports.tasks import label_next, mistakes
from tests.factories import (
    ModelVersionFactory,
    OutcomeFactory,
    ProjectFactory,
    TaskFactory,
    promote,
)

from .records import classifier, labelled_tasks, queries

pytestmark = pytest.mark.django_db


@pytest.fixture
def project():
    return ProjectFactory()


def sure(score: float) -> Certainty:
    return Certainty(score, score, score)


def champion_of(project):
    version = ModelVersionFactory(project=project, champion=True)
    project.refresh_from_db()
    return version


def test_the_least_sure_come_first(project):
    version = champion_of(project)
    tasks = TaskFactory.create_batch(4, project=project)
    margins = [0.9, 0.51, None, 0.7]
    found = {t.pk: m and Certainty(0.4, m, m) for t, m in zip(tasks, margins, strict=True)}
    scores.save(version, found)
    found = label_next(project)
    assert [(n.task.id, n.score, n.margin) for n in found] == [
        (tasks[1].pk, 0.4, 0.51),
        (tasks[3].pk, 0.4, 0.7),
        (tasks[0].pk, 0.4, 0.9),
    ]
    assert found[0].task.text == tasks[1].data["text"]
    assert [n.task.id for n in label_next(project, limit=1, offset=1)] == [tasks[3].pk]


def test_only_the_champions_scores_of_existing_unlabelled_tasks_count(project):
    version = champion_of(project)
    labelled = TaskFactory(project=project, labelled="Positive")
    gone = TaskFactory(project=project)
    gone.deleted_at = gone.created_at
    gone.save()
    scores.save(version, {labelled.pk: sure(0.1), gone.pk: sure(0.2)})
    other = ModelVersionFactory(project=project)
    scores.save(other, {TaskFactory(project=project).pk: sure(0.3)})
    assert label_next(project) == []
    promote(other)
    project.refresh_from_db()
    assert len(label_next(project)) == 1


def test_a_task_that_was_drawn_at_random_has_its_place_and_says_so(project):
    version = champion_of(project)
    first, second = TaskFactory.create_batch(2, project=project)
    scores.save(version, {first.pk: sure(0.2), second.pk: Certainty(0.99, 0.98, 0.1)})
    found = label_next(project)
    assert [(n.task.id, n.margin, n.at_random) for n in found] == [
        (second.pk, 0.98, True),
        (first.pk, 0.2, False),
    ]


def test_near_duplicates_are_listed_last_and_each_task_is_on_one_page(project):
    version = champion_of(project)
    copies = [TaskFactory(project=project, data={"text": f"{LONG} {i}"}) for i in range(40)]
    others = [TaskFactory(project=project, data={"text": str(i) * 9}) for i in range(10)]
    more = [TaskFactory(project=project, data={"text": chr(200 + i) * 9}) for i in range(9)]
    order = [*copies, *others, *more]
    scores.save(version, {t.pk: sure(i / 100) for i, t in enumerate(order)})

    found = [n.task.id for n in label_next(project, limit=100)]

    assert found[:11] == [copies[0].pk, *(t.pk for t in others)]
    assert found[11:50] == [t.pk for t in copies[1:]]
    assert found[50:] == [t.pk for t in more]
    pages = [label_next(project, limit=7, offset=i) for i in range(0, 70, 7)]
    assert [n.task.id for page in pages for n in page] == found


def test_without_a_champion_nothing_is_next(project):
    TaskFactory(project=project)
    assert label_next(project) == []


def test_a_new_score_of_a_task_replaces_the_old_one(project):
    version = champion_of(project)
    task = TaskFactory(project=project)
    scores.save(version, {task.pk: sure(0.5)})
    scores.save(version, {task.pk: sure(0.6)})
    assert [n.score for n in label_next(project)] == [0.6]


def test_the_queries_do_not_grow_with_the_tasks(project):
    version = champion_of(project)
    for n in (1, 10):
        tasks = TaskFactory.create_batch(n, project=project)
        scores.save(version, {t.pk: sure(0.5) for t in tasks})
        assert queries(lambda: label_next(project)) == 1


LONG = "The delivery took three weeks and nobody answered my letters about it"
WRONG = ("Positive", "Negative")


def test_the_surest_mistake_comes_first_and_right_answers_never(project):
    ids = labelled_tasks(project, 5)
    answers = [(*WRONG, 0.6), (*WRONG, 0.9), ("Positive", "Positive", 0.99), (*WRONG, 0.7)]
    version = classifier(project, [*answers, ("Positive", None, None)], ids)
    found = mistakes(version)
    assert [m.score for m in found] == [0.9, 0.7, 0.6, None]
    assert [m.task.id for m in found] == [ids[1], ids[3], ids[0], ids[4]]
    first = found[0]
    assert (first.human, first.predicted, first.target) == (*WRONG, "label")
    assert first.task.text == Task.objects.get(pk=ids[1]).data["text"]


def test_mistakes_are_limited_and_filtered_by_target_and_source(project):
    version = classifier(project, [WRONG] * 3)
    OutcomeFactory(version=version, predicted="Negative", source="holdout", target="other")
    OutcomeFactory(version=version, predicted="Negative")
    assert len(mistakes(version)) == 4
    assert len(mistakes(version, limit=2)) == 2
    assert len(mistakes(version, target="label")) == 3
    assert len(mistakes(version, source="prequential")) == 1


def test_the_queries_do_not_grow_with_the_mistakes(project):
    few, many = classifier(project, [WRONG]), classifier(project, [WRONG] * 15)
    assert queries(lambda: mistakes(few)) == queries(lambda: mistakes(many)) == 2

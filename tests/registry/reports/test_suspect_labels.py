"""Labels that look wrong: which are listed, and how often people then changed them so."""

from datetime import timedelta

import pytest
from django.utils import timezone

from registry.models import Outcome, Task
from registry.reports.suspect_labels import ENOUGH_RIGHT, suspect_labels
from tests import factories as make

from .records import TOPICS, classifier, labelled_tasks, queries

pytestmark = pytest.mark.django_db

POSITIVE, NEGATIVE = "Positive", "Negative"
# Where people say Negative too, the version is sure by 0.8 on average.
RIGHT = [(NEGATIVE, NEGATIVE, score) for score in (0.7, 0.8, 0.9, 0.8, 0.8)]


@pytest.fixture
def project():
    return make.ProjectFactory()


def evaluated_version(project, answers, ids=None, champion=True):
    """A version with these outcomes of the holdout; tasks have the labels that they say."""
    ids = labelled_tasks(project, len(answers)) if ids is None else ids
    for pk, (human, *_) in zip(ids, answers, strict=True):
        Task.objects.filter(pk=pk).update(labels={"label": human})
    version = classifier(project, answers, ids, champion=champion)
    project.refresh_from_db()
    return version


def relabel(outcome, label):
    """A human changes the label after the prediction."""
    changed_at = outcome.at + timedelta(minutes=1)
    Task.objects.filter(pk=outcome.task_id).update(
        labels={"label": label}, labels_changed_at=changed_at
    )


def mistakes_of(project):
    return Outcome.objects.filter(version__project=project, correct=False).order_by("id")


def test_a_label_is_listed_that_is_contradicted_as_surely_as_right_ones_are_predicted(project):
    version = evaluated_version(
        project,
        [*RIGHT, (POSITIVE, NEGATIVE, 0.79), (POSITIVE, NEGATIVE, 0.81), (POSITIVE, NEGATIVE, 0.9)],
    )
    found = suspect_labels(project)
    assert [label.score for label in found.labels] == [0.9, 0.81]
    first = found.labels[0]
    assert (first.human, first.predicted, first.threshold) == (POSITIVE, NEGATIVE, 0.8)
    assert (first.version, first.source) == (version.label, "holdout")
    assert first.task.url.startswith("http://localhost:8080/")
    assert (found.count, found.why_none) == (2, "")


def test_pages_are_of_one_list_and_its_queries_do_not_grow(project):
    evaluated_version(project, [*RIGHT, *((POSITIVE, NEGATIVE, 0.8 + n / 100) for n in range(10))])
    assert queries(lambda: suspect_labels(project, limit=10)) <= 7
    assert [round(label.score, 2) for label in suspect_labels(project, None, 3, 2).labels] == [
        *(0.87, 0.86, 0.85)
    ]
    assert suspect_labels(project, limit=3, offset=9).count == 10
    assert suspect_labels(project, target="other").labels == []


def test_a_label_set_while_the_prediction_was_visible_is_not_counted(project):
    version = evaluated_version(project, RIGHT)
    for source in ("shown", "prequential"):
        task = make.TaskFactory(project=project, labelled=POSITIVE)
        make.OutcomeFactory(
            version=version,
            task=task,
            source=source,
            predicted=NEGATIVE,
            predicted_classes=[NEGATIVE],
            human=POSITIVE,
            score=0.99,
        )
    assert [label.source for label in suspect_labels(project).labels] == ["prequential"]


def test_an_earlier_champions_prediction_counts_until_the_champion_has_one_of_its_own(project):
    tasks = labelled_tasks(project, 2)
    earlier = evaluated_version(project, RIGHT)
    for pk in tasks:
        make.OutcomeFactory(
            version=earlier,
            task=Task.objects.get(pk=pk),
            predicted=NEGATIVE,
            predicted_classes=[NEGATIVE],
            human=POSITIVE,
            score=0.9,
        )
    evaluated_version(
        project, [*RIGHT, (POSITIVE, POSITIVE, 0.6)], [*labelled_tasks(project, 5), tasks[0]]
    )
    (label,) = suspect_labels(project).labels
    assert (label.task.id, label.version) == (tasks[1], earlier.label)


def test_a_label_that_was_changed_or_deleted_is_listed_no_more(project):
    evaluated_version(project, [*RIGHT, *[(POSITIVE, NEGATIVE, 0.9)] * 4])
    changed, emptied, deleted, _ = mistakes_of(project)
    relabel(changed, NEGATIVE)
    Task.objects.filter(pk=emptied.task_id).update(labels={})
    Task.objects.filter(pk=deleted.task_id).update(deleted_at=timezone.now())
    found = suspect_labels(project)
    assert found.count == 1
    assert (found.changed.n, found.changed.correct) == (1, 1)


def test_how_often_such_labels_were_changed_to_the_prediction(project):
    evaluated_version(
        project, [*RIGHT, *[(POSITIVE, NEGATIVE, 0.9)] * 20, (POSITIVE, NEGATIVE, 0.1)]
    )
    assert suspect_labels(project).sentence == "No label that looked wrong has been changed yet."
    *surely, unsurely = mistakes_of(project)
    for n, outcome in enumerate(surely):
        relabel(outcome, "Neutral" if n < 5 else NEGATIVE)
    relabel(unsurely, NEGATIVE)  # was not listed
    found = suspect_labels(project)
    assert (found.changed.n, found.changed.correct) == (20, 15)
    assert "20 that looked wrong, 15 of 20 to what the model predicted: 75%" in found.sentence
    assert "None: no label is contradicted" in found.why_none


def test_a_change_counts_under_later_champions_too(project):
    evaluated_version(project, [*RIGHT, (POSITIVE, NEGATIVE, 0.9)])
    (outcome,) = mistakes_of(project)
    relabel(outcome, NEGATIVE)
    evaluated_version(project, RIGHT)
    assert (suspect_labels(project).changed.n, suspect_labels(project).count) == (1, 0)


def test_a_renamed_label_is_no_changed_one(project):
    evaluated_version(project, [*RIGHT, (POSITIVE, NEGATIVE, 0.9)])
    (outcome,) = mistakes_of(project)
    rename = {"control": "label", "old": POSITIVE, "new": "Good", "at": timezone.now().isoformat()}
    type(project).objects.filter(pk=project.pk).update(label_renames=[rename])
    project.refresh_from_db()
    relabel(outcome, "Good")
    found = suspect_labels(project)
    assert (found.count, found.changed.n) == (1, 0)


def test_there_is_none_without_a_champion_or_with_few_right_predictions(project):
    assert "until a version serves" in suspect_labels(project).why_none
    evaluated_version(project, [*RIGHT[: ENOUGH_RIGHT - 1], (POSITIVE, NEGATIVE, 0.99)])
    found = suspect_labels(project)
    assert found.labels == []
    assert f"{ENOUGH_RIGHT} correct predictions" in found.why_none


def test_sets_of_labels_are_compared_as_sets(project):
    ids = labelled_tasks(project, 7)
    answers = [(["Food"], ["Food"], 0.8)] * 5
    answers += [(["Food", "Price"], ["Food"], 0.9), ([], ["Food"], 0.85)]
    for pk, (human, *_) in zip(ids, answers, strict=True):
        Task.objects.filter(pk=pk).update(labels={"topics": human})
    classifier(project, answers, ids, target=TOPICS, champion=True)
    project.refresh_from_db()
    assert [label.human for label in suspect_labels(project).labels] == [["Food", "Price"], []]


@pytest.mark.parametrize("beside", [[], [make.TARGET]])
def test_targets_of_boxes_are_left_out_by_name(beside):
    boxes = {**make.TARGET, "name": "things", "kind": "boxes", "object_tag": "Image"}
    version = make.ModelVersionFactory(targets=[*beside, boxes], champion=True)
    found = suspect_labels(version.project)
    assert (found.count, found.left_out) == (0, ["things"])
    reason = "for no class are there" if beside else "no labels of whole tasks"
    assert reason in found.why_none

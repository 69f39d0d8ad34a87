"""The agreement of annotators with each other and with the champion."""

import pytest
from django.utils import timezone

from registry.models import Task
from registry.reports import annotators
from registry.reports.annotators import agreement
from tests import factories as make

from .records import classifier, queries

pytestmark = pytest.mark.django_db


def annotated(project, **labels):
    """A task with a label of each annotator: `a1="Positive"`."""
    task = make.TaskFactory(project=project, labelled=next(iter(labels.values())))
    (one,) = task.annotations
    region = one["result"][0]
    task.annotations = [
        one
        | {"id": n, "completed_by": int(who[1:])}
        | {"result": [region | {"value": {"choices": [label]}}]}
        for n, (who, label) in enumerate(labels.items())
    ]
    Task.objects.filter(pk=task.pk).update(annotations=task.annotations)
    return task.pk


def test_each_annotator_is_compared_with_the_others_of_the_same_tasks():
    project = make.ProjectFactory()
    for n in range(20):
        third = {"a3": "Negative"} if n < 5 else {}
        annotated(project, a1="Positive", a2="Positive" if n < 15 else "Negative", **third)
    (target,) = agreement(project).targets
    assert (target.target, target.tasks) == ("label", 20)
    assert (target.pairs.n, target.pairs.correct) == (30, 15)
    assert [(one.annotator, one.labels) for one in target.annotators] == [(1, 20), (2, 20), (3, 5)]
    others = {one.annotator: one.with_others for one in target.annotators}
    assert (others[1].n, others[1].correct, others[1].share) == (25, 15, 0.6)
    assert (others[3].n, others[3].correct, others[3].share) == (10, 0, None)
    assert target.alpha < 0.2


def test_of_tasks_whose_labels_changed_at_one_time_the_newest_are_read(monkeypatch):
    project = make.ProjectFactory()
    for n in range(4):
        annotated(project, **{f"a{n}": "Positive", f"a{n + 10}": "Positive"})
    Task.objects.filter(project=project).update(labels_changed_at=timezone.now())
    monkeypatch.setattr(annotators, "_MOST", 2)
    (target,) = agreement(project).targets
    assert {one.annotator for one in target.annotators} == {2, 12, 3, 13}


def test_the_champion_is_compared_on_unseen_and_independent_labels():
    project = make.ProjectFactory()
    tasks = [annotated(project, a1="Positive", a2="Negative") for _ in range(4)]
    version = classifier(
        project, [("Positive", "Positive"), ("Positive", None)], tasks[:2], champion=True
    )
    for source, task in (("prequential", tasks[2]), ("shown", tasks[3])):
        make.OutcomeFactory(version=version, task=Task.objects.get(pk=task), source=source)
    project.refresh_from_db()
    (target,) = agreement(project).targets
    by_annotator = {one.annotator: one.with_champion for one in target.annotators}
    assert (by_annotator[1].n, by_annotator[1].correct) == (3, 2)
    assert (by_annotator[2].n, by_annotator[2].correct) == (3, 0)


def test_it_takes_two_queries_and_leaves_out_what_is_deleted_or_not_labelled():
    project = make.ProjectFactory()
    make.TaskFactory(project=project)
    deleted = annotated(project, a1="Positive")
    Task.objects.filter(pk=deleted).update(deleted_at="2026-01-01T00:00Z")
    assert agreement(project).targets == []
    make.ModelVersionFactory(project=project, champion=True)
    project.refresh_from_db()
    for _ in range(3):
        annotated(project, a1="Positive", a2="Positive")
    assert queries(lambda: agreement(project)) == 2
    assert agreement(project).read == 3

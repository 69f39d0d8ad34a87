"""The classes of labels beside tasks and outcomes: as they are written, and by the upgrade."""

from importlib import import_module

import pytest
from django.db import connection

from registry import classes
from registry.models import Outcome, Task
from tests.factories import OutcomeFactory, ProjectFactory, TaskFactory, classes_of, task_classes

MIGRATION = import_module("registry.migrations.0034_fill_classes")
LABELS = [
    {},
    {"label": "Positive"},
    {"tags": []},
    {"tags": ["y", "Ä", "x"], "label": "a=b"},
    {"name": "é" * 290 + "z" * 400},
    {"name": "x" * 300},
]


def test_entries_are_sorted_and_say_each_class_once():
    found = classes.entries({"tags": ["y", "x", "x"], "label": ["a"]})
    assert found == ["label=a", "tags=x", "tags=y"]
    assert classes.by_control(found, ["tags", "none"]) == {"tags": ["x", "y"], "none": []}


def test_an_entry_is_never_longer_than_the_index_takes_and_tells_labels_apart():
    one, other = (classes.entry("name", "é" * 2_000 + end) for end in "ab")
    assert one != other
    assert max(len(one.encode()), len(other.encode())) < 2_700


@pytest.mark.django_db
def test_a_long_label_is_stored():
    task = TaskFactory(labels={"name": "é" * 90_000}, split="train")
    assert (
        Task.objects.filter(classes__contains=[classes.entry("name", "é" * 90_000)]).get() == task
    )


@pytest.mark.django_db
def test_the_upgrade_writes_the_classes_that_are_written_today():
    project = ProjectFactory()
    tasks = [TaskFactory(project=project, labels=one, split="train") for one in LABELS]
    outcomes = [
        OutcomeFactory(human=human, predicted=predicted)
        for human, predicted in (("a", "b"), ("a", None), (["y", "Ä", "x"], []), ([], ["z"]))
    ]
    Task.objects.update(classes=[])
    Outcome.objects.update(human_classes=[], predicted_classes=None)
    with connection.cursor() as cursor:
        cursor.execute(MIGRATION.TASKS, [0, 2**60])
        cursor.execute(MIGRATION.OUTCOMES, [0, 2**60])
    for task in tasks:
        task.refresh_from_db()
        assert task.classes == task_classes(task.labels)
    for outcome in outcomes:
        outcome.refresh_from_db()
        assert outcome.human_classes == classes_of(outcome.human)
        if outcome.predicted is None:
            assert outcome.predicted_classes is None
        else:
            assert outcome.predicted_classes == classes_of(outcome.predicted)

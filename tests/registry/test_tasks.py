"""The mirror of tasks: what is written, and what is left alone."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from registry.actions import tasks
from registry.actions.tasks import DerivedLabels, TaskState
from registry.models import Task
from registry.splits import input_key
from tests.factories import ProjectFactory, mirror
from tests.queries import rows_read

pytestmark = pytest.mark.django_db

T0 = datetime(2026, 11, 23, 7, tzinfo=UTC)


def state(id: int, label: str | None = None, **fields) -> TaskState:
    annotations = [{"id": id * 10, "result": [], "updated_at": "x"}] if label else []
    return TaskState(
        labelstudio_id=id,
        data={"text": f"text {id}"},
        annotations=annotations,
        total_annotations=len(annotations),
        labels={"label": label} if label else {},
        input_key=input_key("1.1", [f"text {id}"]),
        source_updated_at=T0,
        **fields,
    )


def derived(label: str | None, task: Task) -> DerivedLabels:
    labels = {"label": label} if label else {}
    return DerivedLabels(
        labels, {name: [value] for name, value in labels.items()}, [], task.input_key
    )


def test_a_new_task_is_inserted_without_a_side():
    project = ProjectFactory()
    assert mirror(project, [state(1)]) == []
    task = Task.objects.get()
    assert task.data == {"text": "text 1"}
    assert task.split is None
    assert task.labels_changed_at is None
    project.refresh_from_db()
    assert project.labels_changed_at is None


def test_the_side_is_decided_with_the_first_label_and_never_changed():
    project = ProjectFactory()
    mirror(project, [state(1)])
    (changed,) = mirror(project, [state(1, "A")], now=T0)
    split = Task.objects.get().split
    assert changed.split == split in {"train", "holdout"}
    mirror(project, [state(1, "B")])
    mirror(project, [state(1)])
    mirror(project, [state(1, "A")])
    assert Task.objects.get().split == split


def test_when_labels_changed_is_remembered_on_task_and_project():
    project = ProjectFactory()
    mirror(project, [state(1, "A"), state(2, "A")], now=T0)
    later = T0 + timedelta(hours=1)
    changed = mirror(project, [state(1, "A"), state(2, "B")], now=later)
    assert [task.labelstudio_id for task in changed] == [2]
    assert Task.objects.get(labelstudio_id=1).labels_changed_at == T0
    assert Task.objects.get(labelstudio_id=2).labels_changed_at == later
    project.refresh_from_db()
    assert project.labels_changed_at == later


def test_a_label_that_is_taken_away_is_a_change():
    project = ProjectFactory()
    mirror(project, [state(1, "A")], now=T0)
    later = T0 + timedelta(hours=1)
    assert len(mirror(project, [state(1)], now=later)) == 1
    task = Task.objects.get()
    assert (task.labels, task.annotation_ids, task.labels_changed_at) == ({}, [], later)
    assert task.labelled_controls == ["label"]


def test_unchanged_rows_are_not_written():
    project = ProjectFactory()
    mirror(project, [state(1, "A"), state(2)])
    with CaptureQueriesContext(connection) as queries:
        assert mirror(project, [state(1, "A"), state(2)]) == []
    assert not [q for q in queries if q["sql"].startswith(("INSERT", "UPDATE"))]


def test_two_thousand_tasks_take_few_queries(django_assert_max_num_queries):
    project = ProjectFactory()
    many = [state(n, "A" if n % 2 else "B") for n in range(2_000)]
    with django_assert_max_num_queries(20):
        mirror(project, many)
    with django_assert_max_num_queries(20):
        changed = mirror(project, [state(n, "A") for n in range(2_000)])
    assert len(changed) == 1_000
    assert Task.objects.filter(labels={"label": "A"}).count() == 2_000
    assert Task.objects.count() == 2_000


def test_projects_do_not_mix():
    one, other = ProjectFactory(), ProjectFactory()
    mirror(one, [state(1, "A")])
    mirror(other, [state(1, "B")])
    tasks.drop(one, [1])
    assert tasks.existing(one).count() == 0
    assert tasks.existing(other).get().labels == {"label": "B"}


def test_a_dropped_task_is_emptied_and_keeps_its_side():
    project = ProjectFactory()
    mirror(project, [state(1, "A")], now=T0)
    before = Task.objects.get()
    later = T0 + timedelta(hours=1)
    assert tasks.drop(project, [1, 99], now=later) == 1
    task = Task.objects.get()
    assert (task.data, task.annotations, task.annotation_ids, task.labels) == ({}, [], [], {})
    assert (task.split, task.input_key) == (before.split, before.input_key)
    assert task.labels_changed_at == later
    project.refresh_from_db()
    assert project.labels_changed_at == later


def test_an_id_that_is_used_again_is_another_task():
    project = ProjectFactory()
    mirror(project, [state(1, "A")])
    tasks.drop(project, [1])
    mirror(project, [state(1)])
    assert Task.objects.count() == 2
    live = tasks.existing(project).get()
    assert (live.labels, live.labelled_controls, live.split) == ({}, [], None)


def test_relabelling_restates_every_annotated_task():
    project = ProjectFactory()
    mirror(project, [state(n, "A") for n in range(5)] + [state(9)])
    changed = tasks.relabel(
        project, lambda task: derived("B" if task.labelstudio_id else None, task)
    )
    assert changed == 5
    assert tasks.existing(project).filter(classes=["label=B"]).count() == 4
    assert tasks.existing(project).filter(classes=[]).count() == 2
    assert tasks.existing(project).filter(labels={"label": "B"}).count() == 4
    assert tasks.existing(project).filter(labels={}).count() == 2


def test_rows_that_the_caller_has_are_not_read_again():
    project = ProjectFactory()
    mirror(project, [state(1, "A"), state(2, "A")])
    states = [TaskState.of(task) for task in tasks.existing(project)]
    states[0].labels = {"label": "B"}
    with CaptureQueriesContext(connection) as queries:
        (changed,) = tasks.write(project, states)
    assert changed == states[0].row
    assert rows_read(queries) == []
    assert tasks.existing(project).filter(labels={"label": "B"}).count() == 1


def test_a_state_without_a_row_gets_exactly_one():
    project = ProjectFactory()
    fresh = state(1, "A")
    tasks.write(project, [fresh])
    assert fresh.row == tasks.existing(project).get()
    with pytest.raises(IntegrityError), transaction.atomic():
        tasks.write(project, [state(1, "B")])
    assert tasks.existing(project).get().labels == {"label": "A"}


def test_relabelling_reads_each_batch_once(monkeypatch):
    project = ProjectFactory()
    mirror(project, [state(n, "A") for n in range(5)])
    monkeypatch.setattr(tasks, "BATCH", 2)
    with CaptureQueriesContext(connection) as queries:
        assert tasks.relabel(project, lambda task: derived("B", task)) == 5
    assert len(rows_read(queries)) == 4  # three batches, and that there is no fourth

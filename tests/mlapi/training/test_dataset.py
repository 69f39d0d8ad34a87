"""The dataset of a run."""

import gzip
import json
import threading

import pytest
from django.db import connection, connections

from mlapi.labelstudio import label_config
from mlapi.locks import project_lock
from mlapi.training import dataset
from registry import artifacts
from registry.actions import run_starts, runs, tasks
from registry.models import Task, TrainingRun

from .projects import label, labelled_project

pytestmark = pytest.mark.django_db(transaction=True)


def targets_of(project):
    from mlapi import pipelines

    return pipelines.match(label_config.parse(project.label_config)).targets


def frozen_dataset(project, folder):
    run, _ = run_starts.start(project, trigger=TrainingRun.Trigger.ADMIN, actor="tester")
    return run, dataset.freeze(run, targets_of(project), folder)


def rows_in(folder):
    return [json.loads(line) for line in (folder / "dataset.jsonl").read_text().splitlines()]


def test_only_the_fields_and_labels_of_the_targets_go_in(tmp_path):
    project = labelled_project({"Positive": 3, "Negative": 2})
    task = Task.objects.filter(project=project).first()
    Task.objects.filter(pk=task.pk).update(labels={**task.labels, "mood": "fine"})
    frozen_dataset(project, tmp_path)
    rows = rows_in(tmp_path)
    assert [set(row) for row in rows] == [{"id", "data", "labels", "split"}] * 5
    assert {key for row in rows for key in row["data"]} == {"text"}
    assert {key for row in rows for key in row["labels"]} == {"label"}
    assert [row["id"] for row in rows] == sorted(row["id"] for row in rows)


def test_deleted_and_unlabelled_tasks_stay_out(tmp_path):
    project = labelled_project({"Positive": 4})
    tasks.drop(project, [1])
    tasks.write(project, [tasks.TaskState(labelstudio_id=50, data={"text": "no label yet"})])
    run, found = frozen_dataset(project, tmp_path)
    assert found.counts["tasks"] == 3
    assert len(rows_in(tmp_path)) == 3


def test_the_counts_add_up(tmp_path):
    project = labelled_project({"Positive": 12, "Negative": 8})
    Task.objects.filter(project=project, labelstudio_id=1).update(ties=["label"])
    _, found = frozen_dataset(project, tmp_path)
    counts = found.counts
    assert counts["tasks"] == counts["train"] + counts["holdout"] == 20
    assert counts["ties"] == counts["targets"]["label"]["ties"] == 1
    classes = counts["targets"]["label"]["classes"]
    both = [
        classes["train"].get(c, 0) + classes["holdout"].get(c, 0) for c in ("Positive", "Negative")
    ]
    assert both == [12, 8]


def test_the_manifest_records_forever_what_it_learned_from(tmp_path):
    project = labelled_project({"Positive": 3, "Negative": 2})
    _, found = frozen_dataset(project, tmp_path)
    stored = artifacts._store().open(found.file).read()
    lines = [json.loads(line) for line in gzip.decompress(stored).splitlines()]
    tasks_now = {t.pk: t for t in Task.objects.filter(project=project)}
    assert {line["id"] for line in lines} == set(tasks_now)
    for line in lines:
        task = tasks_now[line["id"]]
        assert line == {
            "id": task.pk,
            "input_key": task.input_key,
            "labels": task.labels,
            "split": task.split,
        }
    assert b"the thing" not in gzip.decompress(stored)  # no texts


def test_the_fingerprint_is_that_of_the_labels_and_not_of_their_order(tmp_path):
    project = labelled_project({"Positive": 3, "Negative": 2})
    run, first = frozen_dataset(project, tmp_path)
    runs.cancel(run.pk, actor="tester")
    # Rows are rewritten in another physical order.
    for task in Task.objects.filter(project=project).order_by("-pk"):
        Task.objects.filter(pk=task.pk).update(total_annotations=7)
    run, again = frozen_dataset(project, tmp_path)
    assert again.fingerprint == first.fingerprint
    runs.cancel(run.pk, actor="tester")
    label(project, {"Positive": 1}, first_id=100)
    assert frozen_dataset(project, tmp_path)[1].fingerprint != first.fingerprint


def test_a_label_that_changes_after_the_snapshot_counts_for_the_next_run(tmp_path):
    """A writer that holds the mirror's lock is waited for, and then is either in it or after it."""
    project = labelled_project({"Positive": 3, "Negative": 2})
    writing, may_end = threading.Event(), threading.Event()

    def write_slowly():
        try:
            with project_lock(project.pk, wait=True):
                writing.set()
                may_end.wait(60)
                label(project, {"Positive": 1}, first_id=100)
        finally:
            connections.close_all()

    writer = threading.Thread(target=write_slowly)
    writer.start()
    assert writing.wait(60)
    threading.Timer(0.5, may_end.set).start()
    _, found = frozen_dataset(project, tmp_path)
    writer.join()
    assert found.counts["tasks"] == 6
    changed = Task.objects.filter(project=project, labels_changed_at__gt=found.snapshot_at)
    assert changed.count() == 0
    label(project, {"Positive": 1}, first_id=200)
    assert changed.count() == 1


def test_a_project_with_nothing_to_learn_is_refused(tmp_path):
    with pytest.raises(dataset.NothingToLearn):
        frozen_dataset(labelled_project({}), tmp_path)


def test_the_server_keeps_no_cursor(tmp_path):
    frozen_dataset(labelled_project({"Positive": 3}), tmp_path)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_cursors WHERE name LIKE 'dataset_of_run_%'")
        assert cursor.fetchone() == (0,)


def test_each_row_is_handed_on_as_it_is_written(tmp_path):
    project = labelled_project({"Positive": 3, "Negative": 2})
    run, _ = run_starts.start(project, trigger=TrainingRun.Trigger.ADMIN, actor="tester")
    rows = []

    dataset.freeze(run, targets_of(project), tmp_path, on_row=rows.append)

    assert rows == rows_in(tmp_path)
    assert len(rows) == 5


def test_a_number_that_no_float_holds_does_not_affect_the_run(tmp_path):
    """The mirror of an earlier release may contain such a number."""
    project = labelled_project({"Positive": 4})
    Task.objects.filter(project=project, labelstudio_id=1).update(data={"text": 10**400})
    assert frozen_dataset(project, tmp_path)[1].counts["tasks"] == 4

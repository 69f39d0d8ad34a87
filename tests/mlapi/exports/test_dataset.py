"""The dataset of a version: as its run froze it, with the data that the mirror has today."""

import json

import pytest
from django.core.management import CommandError, call_command

from mlapi.exports.dataset import written
from mlapi.labelstudio.consensus import consensus
from mlapi.served_config import resolve
from mlapi.training.dataset import freeze
from registry.actions import runs
from registry.models import ModelVersion, Task, TrainingRun
from registry.verified import ArtifactCorrupt, ArtifactMissing
from tests.factories import ModelVersionFactory, ProjectFactory, TaskFactory, TrainingRunFactory
from tests.mlapi import trained

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def version(tmp_path) -> ModelVersion:
    """A version whose run has frozen four tasks."""
    project = ProjectFactory()
    for i, label in enumerate(["Positive", "Negative", "Positive", "Negative"], start=1):
        TaskFactory(project=project, labelstudio_id=i, labelled=label)
    made = ModelVersionFactory(project=project, content=trained.artifact())
    run = TrainingRunFactory(project=project, state="running")
    frozen = freeze(run, resolve(project.label_config).targets, tmp_path)
    runs.succeed(run)
    TrainingRun.objects.filter(pk=made.run_id).update(
        dataset_file=frozen.file, dataset_fingerprint=frozen.fingerprint
    )
    return ModelVersion.objects.select_related("project", "run").get(pk=made.pk)


def rows(version: ModelVersion) -> list[dict]:
    return [json.loads(line) for line in b"".join(written(version, "jsonl")).splitlines()]


def test_labels_and_splits_are_those_of_the_training(version):
    Task.objects.filter(project=version.project, labelstudio_id=1).update(
        labels={"label": "Negative"}, split="holdout"
    )

    first, *_ = found = rows(version)

    assert [row["id"] for row in found] == [1, 2, 3, 4]
    assert first == {
        "id": 1,
        "split": "train",
        "labels": {"label": "Positive"},
        "data": {"text": "text number 1"},
        "state": "as learned",
    }


def test_tasks_that_have_changed_or_were_deleted_since_have_that_state(version):
    tasks = Task.objects.filter(project=version.project)
    tasks.filter(labelstudio_id=2).update(data={"text": "another"}, input_key="another")
    tasks.filter(labelstudio_id=3).delete()

    found = {row["id"]: row for row in rows(version)}

    assert found[2]["state"] == "changed"
    assert (found[None]["state"], found[None]["data"]) == ("deleted", None)
    assert found[None]["labels"] == {"label": "Positive"}
    exported = json.loads(b"".join(written(version, "labelstudio")))
    assert [task["id"] for task in exported] == [1, 2, 4]


def test_label_studios_form_reads_as_the_labels_it_was_made_of(version):
    exported = json.loads(b"".join(written(version, "labelstudio")))

    targets = resolve(version.project.label_config).targets
    read = [consensus(task["annotations"], targets, {})[0] for task in exported]
    assert read == [row["labels"] for row in rows(version)]
    assert exported[0]["meta"]["evals"] == {"split": "train", "state": "as learned"}


def test_a_dataset_that_was_not_stored_or_was_changed_is_not_written(version):
    run = TrainingRun.objects.filter(pk=version.run_id)
    run.update(dataset_fingerprint="0" * 64)
    with pytest.raises(ArtifactCorrupt):
        written(ModelVersion.objects.get(pk=version.pk), "jsonl")
    run.update(dataset_file="")
    with pytest.raises(ArtifactMissing):
        written(ModelVersion.objects.get(pk=version.pk), "jsonl")


def test_the_command_writes_a_new_file(version, tmp_path, capsys):
    path = tmp_path / "dataset.json"
    arguments = ("dataset", version.project.uid, version.label, str(path), "--as", "labelstudio")
    call_command(*arguments)
    assert len(json.loads(path.read_text())) == 4
    with pytest.raises(CommandError, match="File exists"):
        call_command(*arguments)

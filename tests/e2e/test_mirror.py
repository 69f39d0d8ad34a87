"""The mirror equals Label Studio's tasks after any action there."""

import pytest

from tests.e2e.labelstudio_project import config, region
from tests.e2e.texts import pairs, texts

pytestmark = pytest.mark.labelstudio


@pytest.fixture(scope="module")
def project(labelstudio, backend):
    made = labelstudio.project("mirrored", config("A", "B"))
    made.connect(backend)
    backend.wait_for_sync(made.uid)
    return made


def in_label_studio(project) -> dict[int, str]:
    """Each task's label by what Label Studio has, for tasks with one annotation that counts."""
    found = {}
    for task in project.tasks():
        completed = [a for a in task["annotations"] if not a["was_cancelled"] and a["result"]]
        if completed:
            found[task["id"]] = completed[0]["result"][0]["value"]["choices"][0]
    return found


def mirrored(backend, project) -> dict[int, str]:
    return {task: labels["label"] for task, labels in backend.labels(project.uid).items()}


def sync(backend, project) -> None:
    backend.manage("shell", "-c", _SYNC.format(uid=project.uid))


_SYNC = """
from mlapi.jobs import sync
from registry.models import Project
sync(Project.objects.get(uid="{uid}").pk, "a test")
"""


def wait_until_equal(backend, project) -> None:
    backend.wait_for(
        lambda: mirrored(backend, project) == in_label_studio(project),
        "the mirror to agree with Label Studio",
    )


def test_submitted_changed_skipped_and_deleted_annotations(project, backend):
    a, b, c, d = project.import_texts(texts("A", 4, seed=21))
    first = project.annotate(a, "A")
    project.annotate(b, "B")
    third = project.annotate(c, "A")
    project.skip(d)
    project.change_annotation(first["id"], "B")
    project.delete_annotation(third["id"])
    wait_until_equal(backend, project)
    labels = mirrored(backend, project)
    assert labels[a] == "B" and labels[b] == "B" and c not in labels and d not in labels


def test_an_annotation_turned_into_a_draft_is_found_by_the_sync(project, backend):
    (task,) = project.import_texts(texts("A", 1, seed=22))
    annotation = project.annotate(task, "A")
    wait_until_equal(backend, project)
    assert task in mirrored(backend, project)
    project.turn_into_draft(annotation["id"])

    def is_found() -> bool:
        sync(backend, project)  # which leaves where another process reads the project
        return task not in mirrored(backend, project)

    backend.wait_for(is_found, "the sync")
    assert mirrored(backend, project) == in_label_studio(project)


def test_annotations_imported_with_their_tasks_arrive_by_themselves(project, backend):
    ids = project.import_labelled(pairs(6, "AB", seed=23))
    wait_until_equal(backend, project)
    assert set(ids) <= set(mirrored(backend, project))


def test_annotations_made_in_bulk_from_predictions_arrive(project, backend):
    ids = project.import_tasks(
        [
            {
                "data": {"text": text},
                "predictions": [{"model_version": "other", "result": [region(label)]}],
            }
            for text, label in pairs(6, "AB", seed=24)
        ]
    )
    project.action("predictions_to_annotations", ids)
    wait_until_equal(backend, project)
    assert set(ids) <= set(mirrored(backend, project))


def test_deleted_tasks_and_all_deleted_annotations_leave(project, backend):
    ids = project.import_texts(texts("B", 4, seed=25))
    for task in ids:
        project.annotate(task, "B")
    wait_until_equal(backend, project)
    project.delete_task(ids[0])
    project.action("delete_tasks", [ids[1]])
    project.action("delete_tasks_annotations", ids[2:])
    wait_until_equal(backend, project)
    assert not set(ids[:2]) & set(backend.tasks(project.uid))
    assert set(ids[2:]) <= set(backend.tasks(project.uid))


@pytest.mark.nightly
def test_a_renamed_label_is_not_answered_any_more_and_learned_under_its_new_name(
    labelstudio, backend
):
    project = labelstudio.project("renamed", config("A", "B"))
    project.import_labelled(pairs(60, "AB", seed=26))
    new = project.import_texts(texts("A", 2, seed=27) + texts("B", 2, seed=27))
    project.connect(backend)
    first = backend.wait_for_version(project.uid)["version"]

    project.change(label_config=config("A", "Z"))
    # What was labelled B no longer counts; A alone is no classification, so people label on.
    backend.wait_for(
        lambda: set(mirrored(backend, project).values()) == {"A"}, "the labels under the new config"
    )
    project.retrieve_predictions(new)
    predicted = {
        region["value"]["choices"][0]
        for found in project.predictions().values()
        for prediction in found
        for region in prediction["result"]
    }
    assert predicted <= {"A"}
    assert project.predictions()[new[2]] == []  # the prediction would have been B

    for task in project.import_texts(texts("B", 24, seed=28)):
        project.annotate(task, "Z")

    def newest_answer() -> list[str]:
        """What the newest version says of a text that was B. Of few Z's it learns first."""
        project.retrieve_predictions(new)
        found = [p for p in project.predictions()[new[2]] if p["model_version"] != first]
        newest = max(found, key=lambda prediction: prediction["id"], default={"result": []})
        return [choice for region in newest["result"] for choice in region["value"]["choices"]]

    backend.wait_for_version(project.uid, after=first)
    backend.wait_for(lambda: newest_answer() == ["Z"], "the new name as the answer")


@pytest.mark.nightly
def test_a_label_that_is_added_to_the_config_queues_a_run_whose_version_reopens_the_tasks(
    labelstudio, backend
):
    project = labelstudio.project("a label more", config("A", "B"))
    project.import_labelled(pairs(60, "AB", seed=31))
    (task,) = project.import_texts(texts("A", 1, seed=32))
    project.connect(backend)
    first = backend.wait_for_version(project.uid)["version"]
    project.retrieve_predictions([task])
    project.change(label_config=config("A", "B", "C"))
    second = backend.wait_for_version(project.uid, after=first)["version"]
    assert backend.runs(project.uid)[-1]["trigger"] == "config"
    project.retrieve_predictions([task])
    assert {p["model_version"] for p in project.predictions()[task]} == {first, second}

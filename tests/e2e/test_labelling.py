"""Predictions in an opened task and in the label stream."""

import pytest

from tests.e2e.labelstudio_project import config
from tests.e2e.texts import pairs, texts

pytestmark = pytest.mark.labelstudio


@pytest.fixture(scope="module")
def trained(labelstudio, backend):
    """A project that shows predictions, its version, and the tasks that no one has labelled."""
    project = labelstudio.project("shown", config("A", "B"), show_collab_predictions=True)
    project.import_labelled(pairs(40, "AB", seed=31))
    new = project.import_texts(texts("A", 3, seed=32))
    project.connect(backend)
    return project, backend.wait_for_version(project.uid)["version"], new


def predicted(task) -> tuple[str, str]:
    (prediction,) = task["predictions"]
    return prediction["model_version"], prediction["result"][0]["value"]["choices"][0]


def test_an_opened_task_is_predicted_at_once(trained):
    project, version, new = trained
    assert predicted(project.open_task(new[0])) == (version, "A")


def test_the_label_stream_brings_each_task_with_its_prediction(trained):
    project, version, new = trained
    task = project.next_task()
    assert task["id"] in new
    assert predicted(task) == (version, "A")


def test_an_annotation_made_from_a_prediction_is_an_outcome_of_its_own_kind(trained, backend):
    project, _, new = trained
    (prediction,) = project.open_task(new[0])["predictions"]
    project.annotate(new[0], "A", parent_prediction=prediction["id"])
    project.annotate(new[1], "A")
    backend.wait_for(lambda: len(_outcomes(backend, project)) == 2, "both outcomes")
    assert _outcomes(backend, project) == {
        new[0]: ("shown", True),
        new[1]: ("prequential", True),
    }


def _outcomes(backend, project) -> dict[int, tuple[str, bool]]:
    rows = backend.sql(
        "SELECT t.labelstudio_id, o.source, o.correct FROM registry_outcome o"
        " JOIN registry_task t ON t.id = o.task_id JOIN registry_project p ON p.id = t.project_id"
        " WHERE p.uid = %s AND o.source IN ('prequential', 'shown')",
        [project.uid],
    )
    return {row["labelstudio_id"]: (row["source"], row["correct"]) for row in rows}

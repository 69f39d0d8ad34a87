"""Real texts, labelled half by import and half through Label Studio's API."""

import random

import pytest

from tests.e2e.labelstudio_project import config
from tests.shared import needs_shared, package_sections

pytestmark = [pytest.mark.labelstudio, pytest.mark.nightly, needs_shared]


def test_package_sections_reach_their_accuracy_and_are_calibrated(labelstudio, backend):
    metrics = learned_metrics(labelstudio, backend, package_sections())
    assert metrics["accuracy"]["n"] >= 350
    assert metrics["accuracy"]["value"] >= 0.78
    assert metrics["ece"]["value"] <= 0.10
    assert metrics["accuracy"]["value"] > metrics["baseline_accuracy"]["value"] + 0.4


def learned_metrics(labelstudio, backend, rows) -> dict:
    """The metrics of a version that learned the rows, half imported and half annotated."""
    random.Random(1).shuffle(rows)
    labels = sorted({row["label"] for row in rows})
    project = labelstudio.project("package sections", config(*labels))
    half = len(rows) // 2
    project.import_labelled([(row["text"], row["label"]) for row in rows[:half]])
    ids = project.import_texts(row["text"] for row in rows[half:])
    connection = project.connect(backend)
    backend.wait_for_version(project.uid)
    for task, row in zip(ids, rows[half:], strict=True):
        project.annotate(task, row["label"])
    backend.wait_for(
        lambda: len(backend.labels(project.uid)) == len(rows), "all labels in the mirror"
    )
    backend.wait_for(lambda: _idle(backend, project), "the runs of the policy", 600)
    connection.train()
    backend.wait_for(lambda: _trained_on(backend, project, len(rows)), "a run on all", 600)
    return {
        row["name"]: row
        for row in backend.sql(
            "SELECT m.* FROM registry_metric m WHERE m.version_id = %s AND m.target = 'label'"
            " AND m.label = '' AND m.split = 'holdout' AND m.step = 0",
            [backend.versions(project.uid)[-1]["id"]],
        )
    }


def _idle(backend, project) -> bool:
    return not [r for r in backend.runs(project.uid) if r["state"] in ("queued", "running")]


def _trained_on(backend, project, n: int) -> bool:
    run = backend.runs(project.uid)[-1]
    return run["state"] == "succeeded" and run["dataset_counts"].get("tasks") == n

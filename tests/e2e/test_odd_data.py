"""Data that Label Studio tells otherwise than it did before, and data that it cannot return."""

import json

import pytest

from tests.e2e.labelstudio_project import config, region
from tests.e2e.project_settings import train_by_hand
from tests.e2e.texts import pairs

pytestmark = pytest.mark.labelstudio


def upload_lines(project, lines: list[str]) -> list[int]:
    """A text file, each of its lines a task without a field; their ids."""
    file = {"file": ("lines.txt", "\n".join(lines).encode(), "text/plain")}
    project.api("POST", f"/api/projects/{project.id}/import", files=file)
    return [task["id"] for task in project.tasks()]


@pytest.mark.nightly
def test_a_changed_field_of_uploaded_texts_is_learned_from(labelstudio, backend, rest):
    project = labelstudio.project("lines", "<View></View>")
    labelled = pairs(60, "AB", seed=81)
    ids = upload_lines(project, [text for text, _ in labelled])
    assert len(ids) == 60
    project.change(label_config=config("A", "B", field="text"))
    connection = project.connect(backend)
    train_by_hand(backend, rest, project.uid)
    for task, (_, label) in list(zip(ids, labelled, strict=True))[:50]:
        project.annotate(task, label)
    backend.wait_for(lambda: len(backend.labels(project.uid)) == 50, "the labels")
    connection.train()
    first = backend.wait_for_version(project.uid)["version"]
    before = {pk: (t["labels"], t["split"]) for pk, t in backend.tasks(project.uid).items()}
    assert {tuple(t["data"]) for t in backend.tasks(project.uid).values()} == {("text",)}

    project.change(label_config=config("A", "B", field="body"))
    connection.train()
    backend.wait_for_version(project.uid, after=first)
    tasks = backend.tasks(project.uid)
    assert {tuple(t["data"]) for t in tasks.values()} == {("body",)}
    assert {pk: (t["labels"], t["split"]) for pk, t in tasks.items()} == before
    assert backend.runs(project.uid)[-1]["dataset_counts"]["tasks"] == 50


@pytest.mark.nightly
def test_half_an_emoji_does_not_affect_other_tasks(labelstudio, backend):
    project = labelstudio.project("half an emoji", config("A", "B"))
    tasks = [
        {"data": {"text": text}, "annotations": [{"result": [region(label)]}]}
        for text, label in pairs(60, "AB", seed=82)
    ]
    tasks[7]["data"]["text"] += " \ud83d"
    sent = json.dumps(tasks)  # half an emoji as \ud83d, which the client's own encoder refuses
    headers = {"Content-Type": "application/json"}
    path = f"/api/projects/{project.id}/import"
    params = {"return_task_ids": "true"}
    ids = project.api("POST", path, content=sent, params=params, headers=headers)["task_ids"]
    bad = ids[7]
    project.connect(backend)
    backend.wait_for_sync(project.uid)
    assert backend.project(project.uid)["unreadable_tasks"] == [bad]
    mirrored = backend.tasks(project.uid)
    assert {pk for pk, task in mirrored.items() if not task["data"]} == {bad}
    assert set(mirrored) == set(ids)

    backend.wait_for_version(project.uid)
    project.retrieve_predictions(ids[:12])
    count = project.info()["total_predictions_number"]
    assert count == 12  # /predict has the text with U+FFFD in the emoji's place
    project.annotate(bad, "B")
    backend.wait_for(
        lambda: backend.tasks(project.uid)[bad]["data"].get("text", "").endswith("\ufffd"),
        "the text, which the webhook brings",
    )

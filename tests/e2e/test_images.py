"""Images through a real Label Studio: uploaded and stored locally, learned, predicted, alike."""

import re

import pytest

from tests.e2e.labelstudio_project import region
from tests.mlapi.image_files import digits

pytestmark = [pytest.mark.labelstudio, pytest.mark.nightly]

DIGITS = "013"
CONFIG = (
    '<View><Image name="image" value="$image"/><Choices name="digit" toName="image">'
    + "".join(f'<Choice value="{d}"/>' for d in DIGITS)
    + '</Choices><TextArea name="group" toName="image"/></View>'
)
UPLOADED, STORED, ANNOTATED = 40, 20, 42


@pytest.fixture(scope="module")
def images() -> list[tuple[bytes, str]]:
    files, labels = digits()
    chosen = [(f, d) for f, d in zip(files, labels, strict=True) if d in DIGITS]
    return chosen[: UPLOADED + STORED]


@pytest.fixture(scope="module")
def project(labelstudio, backend, images):
    """Half uploaded by import, half from local storage; most of it annotated, connected, learned.

    It is connected last, so its first reading has all labels, and the first training learns from
    them, however slow. `truth` has the digit of each task, `backend` serves it.
    """
    made = labelstudio.project("digits", CONFIG)
    files = {f"odd näme (#n{i}x).png": content for i, (content, _) in enumerate(images)}
    upload(made, dict(list(files.items())[:UPLOADED]))
    store(labelstudio, made, dict(list(files.items())[UPLOADED:]))
    made.truth = {task["id"]: images[number_of(task)][1] for task in made.tasks()}
    for task in list(made.truth)[:ANNOTATED]:
        made.annotate(task, made.truth[task], control="digit", obj="image")
    made.connect(backend)
    backend.wait_for(lambda: learned_all(backend, made), "a version of all annotations")
    return made


def upload(project, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        parts = {"file": (name, content, "image/png")}
        project.api("POST", f"/api/projects/{project.id}/import", files=parts)


def store(server, project, files: dict[str, bytes]) -> None:
    folder = server.files / f"project {project.id}"
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    body = {"project": project.id, "path": str(folder), "use_blob_urls": True, "title": "local"}
    storage = server.api("POST", "/api/storages/localfiles", json=body)["id"]
    server.api("POST", f"/api/storages/localfiles/{storage}/sync")


def number_of(task: dict) -> int:
    """The number of the task's file; Label Studio renames files with unusual names."""
    return int(re.search(r"n([0-9]+)x", task["data"]["image"])[1])


def predicted(prediction: dict, control: str) -> str:
    (found,) = [r for r in prediction["result"] if r["from_name"] == control]
    return next(iter(found["value"].values()))[0]


def test_images_of_both_kinds_are_learned_and_predicted(project, backend):
    version = backend.project(project.uid)["version"]

    project.retrieve_predictions()

    tasks = project.tasks()
    assert {task["data"]["image"].split("/")[2] for task in tasks} == {"upload", "local-files"}
    found = {task["id"]: p for task in tasks for p in task["predictions"]}
    assert len(found) == UPLOADED + STORED
    assert {p["model_version"] for p in found.values()} == {version}
    unseen = [t for t in project.truth if t not in list(project.truth)[:ANNOTATED]]
    right = [predicted(found[t], "digit") == project.truth[t] for t in unseen]
    assert sum(right) / len(right) >= 0.9


def learned_all(backend, project) -> bool:
    runs = [run for run in backend.runs(project.uid) if run["state"] == "succeeded"]
    return bool(runs) and runs[-1]["dataset_counts"]["tasks"] == ANNOTATED


def test_a_task_with_its_prediction_opens_where_predictions_are_validated(project):
    task = list(project.truth)[-1]

    opened = project.open_task(task)

    assert predicted(opened["predictions"][0], "digit") == project.truth[task]


def test_the_label_of_similar_to_is_served_next(project, backend, rest):
    project_id = rest.get("projects/", params={"search": project.uid}).json()["results"][0]["id"]
    before = backend.project(project.uid)["version"]

    done = rest.patch(f"projects/{project_id}/", json={"options": {"similar_to": "0", "k": 10}})
    assert done.status_code == 200, done.text
    version = backend.wait_for_version(project.uid, after=before)["version"]
    project.retrieve_predictions()

    newest = [
        (task["id"], p)
        for task in project.tasks()
        for p in task["predictions"]
        if p["model_version"] == version
    ]
    assert len(newest) >= 10
    assert {predicted(p, "digit") for _, p in newest} == {"0"}
    assert sum(project.truth[t] == "0" for t, _ in newest) / len(newest) >= 0.9


def test_clusters_are_named_in_a_text_area_and_renamed_by_an_annotator(project, backend, rest):
    project_id = rest.get("projects/", params={"search": project.uid}).json()["results"][0]["id"]
    before = backend.project(project.uid)["version"]

    options = {"similar_to": None, "cluster": "group", "clusters": 3}
    done = rest.patch(f"projects/{project_id}/", json={"options": options})
    assert done.status_code == 200, done.text
    version = backend.wait_for_version(project.uid, after=before)["version"]
    project.retrieve_predictions()

    names = {
        task["id"]: predicted(p, "group")
        for task in project.tasks()
        for p in task["predictions"]
        if p["model_version"] == version
    }
    assert len(names) == UPLOADED + STORED
    assert set(names.values()) == {"cluster 1", "cluster 2", "cluster 3"}

    some = next(iter(names))
    words = {**region("x", control="group", obj="image"), "type": "textarea"}
    project.annotate(some, None, result=[{**words, "value": {"text": ["my zeros"]}}])
    backend.wait_for(lambda: "my zeros" in str(backend.labels(project.uid).values()), "the name")
    project.backends()
    connection = project.backends()[0]["id"]
    project.api("POST", f"/api/ml/{connection}/train", json={})
    renamed = backend.wait_for_version(project.uid, after=version)["version"]
    project.retrieve_predictions([t for t, name in names.items() if name == names[some]])

    now = {
        predicted(p, "group")
        for task in project.tasks()
        for p in task["predictions"]
        if p["model_version"] == renamed
    }
    assert "my zeros" in now


def test_rest_has_the_nearest_tasks_and_a_thumbnail(project, backend, rest):
    project_id = rest.get("projects/", params={"search": project.uid}).json()["results"][0]["id"]
    first = backend.tasks(project.uid)[next(iter(project.truth))]

    found = rest.get(f"projects/{project_id}/similar/", params={"task": first["id"], "k": 5})

    assert found.status_code == 200, found.text
    near = [n["task"]["labelstudio_id"] for n in found.json()]
    assert len(near) == 5
    assert sum(project.truth[t] == project.truth[first["labelstudio_id"]] for t in near) >= 4
    thumbnail = rest.get(found.json()[0]["task"]["thumbnail"].removeprefix("/api/"))
    assert thumbnail.headers["content-type"] == "image/jpeg"
    assert thumbnail.content[:2] == b"\xff\xd8"

"""Projects whose controls are filled by several pipelines, through a real Label Studio."""

import pytest

from tests.e2e import texts
from tests.e2e.labelstudio_project import region
from tests.e2e.project_settings import train_by_hand
from tests.mlapi.image_files import digits

pytestmark = [pytest.mark.labelstudio, pytest.mark.nightly]

DIGITS = "01"
IMAGE = '<Image name="image" value="$image"/>'
DIGIT = (
    '<Choices name="digit" toName="image">'
    + "".join(f'<Choice value="{d}"/>' for d in DIGITS)
    + "</Choices>"
)
BOTH = (
    f'<View>{IMAGE}{DIGIT}<Text name="text" value="$text"/><Choices name="topic" toName="text">'
    '<Choice value="A"/><Choice value="B"/></Choices></View>'
)
MARKED = (
    f'<View>{IMAGE}{DIGIT}<Choices name="mark" toName="image"><Choice value="like these"/>'
    '<Choice value="unlike"/></Choices></View>'
)
TASKS, FIRST, MORE = 72, 40, 20


@pytest.fixture(scope="module")
def images() -> list[tuple[bytes, str]]:
    files, labels = digits()
    return [(f, d) for f, d in zip(files, labels, strict=True) if d in DIGITS][:TASKS]


def import_images(server, project, images, **fields) -> list[int]:
    """Tasks with an image in local storage and with the n-th value of each field; their ids."""
    folder = server.files / f"project {project.id}"
    folder.mkdir()
    for n, (content, _) in enumerate(images):
        (folder / f"{n}.png").write_bytes(content)
    storage = {"project": project.id, "path": str(folder), "use_blob_urls": True}
    server.api("POST", "/api/storages/localfiles", json={**storage, "title": "images"})
    address = f"/data/local-files/?d={folder.name}"
    return project.import_tasks(
        [
            {"data": {"image": f"{address}/{n}.png", **{k: v[n] for k, v in fields.items()}}}
            for n in range(len(images))
        ]
    )


def annotate(project, task: int, **choices: tuple[str, str]) -> None:
    """An annotation with the object and choice of each control."""
    result = [region(choice, control=name, obj=obj) for name, (obj, choice) in choices.items()]
    project.annotate(task, None, result=result)


def predicted(project, version: str) -> dict[int, dict[str, str]]:
    """The version's predictions, by task and control."""
    return {
        task["id"]: {r["from_name"]: r["value"]["choices"][0] for r in p["result"]}
        for task in project.tasks()
        for p in task["predictions"]
        if p["model_version"] == version
    }


def learned_run(backend, project, n: int) -> dict | None:
    """The run that learned from so many tasks, once it has succeeded."""
    runs = [run for run in backend.runs(project.uid) if run["state"] == "succeeded"]
    return next((run for run in runs if run["dataset_counts"]["tasks"] >= n), None)


def connect(project, backend, rest, **settings):
    """Connect the project, which then trains only when somebody starts it; the connection."""
    connection = project.connect(backend)
    train_by_hand(backend, rest, project.uid, **settings)
    return connection


@pytest.fixture(scope="module")
def both(labelstudio, backend, images, rest):
    """Texts and images in one config; `truth` has the digit and the topic of each task."""
    made = labelstudio.project("texts and images", BOTH)
    pairs = texts.pairs(TASKS, "AB", seed=91)
    ids = import_images(labelstudio, made, images, text=[text for text, _ in pairs])
    made.truth = {
        task: {"digit": digit, "topic": topic}
        for task, (_, digit), (_, topic) in zip(ids, images, pairs, strict=True)
    }
    made.connection = connect(made, backend, rest)
    return made


def learn_from(backend, project, n: int) -> dict:
    """The run that has learned from so many tasks, which are labelled up to there."""
    known = backend.labels(project.uid)
    for task in list(project.truth)[len(known) : n]:
        of = project.truth[task]
        annotate(project, task, digit=("image", of["digit"]), topic=("text", of["topic"]))
    backend.wait_for(lambda: len(backend.labels(project.uid)) == n, "the labels")
    project.connection.train()
    return backend.wait_for(lambda: learned_run(backend, project, n), f"a version of {n} tasks")


def test_texts_and_images_are_learned_and_predicted_by_two_pipelines(both, backend, rest):
    run = learn_from(backend, both, FIRST)
    version = backend.project(both.uid)["version"]

    both.retrieve_predictions()

    found = predicted(both, version)
    assert set(found) == set(both.truth)
    unseen = list(both.truth)[FIRST:]
    for control in ("digit", "topic"):
        right = [found[task][control] == both.truth[task][control] for task in unseen]
        assert sum(right) / len(right) >= 0.9, control
    assert run["parameters"]["pipeline"] == "image_classification, text_classification"


def test_rest_has_metrics_and_confusion_of_each_target_and_of_all_together(both, backend, rest):
    row = backend.project(both.uid)
    version = rest.get(f"versions/{row['champion_id']}/").json()
    card = rest.get(f"versions/{row['champion_id']}/card/").json()

    assert version["state"] == "champion"
    assert {t["name"]: (t["pipeline"], t["trained"]) for t in version["targets"]} == {
        "digit": ("image_classification", True),
        "topic": ("text_classification", True),
    }
    values = {(m["target"], m["name"]): m["value"] for m in card["metrics"]}
    each = [values[control, "macro_f1"] for control in ("digit", "topic")]
    assert version["primary"]["metric"] == "macro_f1"
    assert version["primary"]["value"] == pytest.approx(sum(each) / 2)
    assert {c["target"]: sorted(c["labels"]) for c in card["confusion"]} == {
        "digit": ["0", "1"],
        "topic": ["A", "B"],
    }
    entries = rest.get("audit-entries/", params={"version": version["id"]}).json()["results"]
    assert "promote" in {entry["verb"] for entry in entries}


def test_unlabelled_tasks_are_scored_by_both_and_offered_next(both, backend, rest):
    project_id = backend.project(both.uid)["id"]

    def offered():
        return rest.get(f"projects/{project_id}/label-next/", params={"limit": 50}).json()

    found = backend.wait_for(
        lambda: len(offered()) == TASKS - FIRST and offered(), "the scores of all tasks"
    )
    assert all(0 <= one["score"] <= 1 for one in found)
    by_margin = [one["margin"] for one in found if not one["at_random"]]
    assert by_margin == sorted(by_margin)


def test_the_next_version_is_compared_with_it_target_by_target(both, backend, rest):
    before = backend.project(both.uid)["version"]

    run = learn_from(backend, both, FIRST + MORE)

    compared = run["comparison"]
    assert compared["champion_label"] == before
    assert set(compared["targets"]) == {"digit", "topic"}
    assert compared["champion_serves"]
    entries = backend.audit_entries(both.uid)
    decided = [e["verb"] for e in entries if e["run_id"] == run["id"]]
    assert decided in (["promote"], ["keep"])


def test_similarity_fills_one_of_two_choices(labelstudio, backend, images, rest):
    project = labelstudio.project("marked", MARKED)
    ids = import_images(labelstudio, project, images)
    truth = {task: digit for task, (_, digit) in zip(ids, images, strict=True)}
    controls = {"mark": {"similar_to": "like these", "k": 5}}
    connection = connect(project, backend, rest, options={"controls": controls})
    assert backend.project(project.uid)["options"]["controls"] == controls

    zeros = [task for task in ids if truth[task] == "0"][:4]
    for task in ids[:FIRST]:
        marked = {"mark": ("image", "like these")} if task in zeros else {}
        annotate(project, task, digit=("image", truth[task]), **marked)
    backend.wait_for(lambda: len(backend.labels(project.uid)) == FIRST, "the labels")
    connection.train()
    version = backend.wait_for_version(project.uid)
    project.retrieve_predictions()

    detail = rest.get(f"versions/{version['champion_id']}/").json()
    assert {t["name"]: t["pipeline"] for t in detail["targets"]} == {
        "digit": "image_classification",
        "mark": "image_similarity",
    }
    found = predicted(project, version["version"])
    assert all("digit" in choices for choices in found.values())
    alike = [task for task, choices in found.items() if "mark" in choices]
    assert len(alike) >= 4
    assert {found[task]["mark"] for task in alike} == {"like these"}
    assert sum(truth[task] == "0" for task in alike) / len(alike) >= 0.9

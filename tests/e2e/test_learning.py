"""An annotation lead's steps, from imported labels to predictions, new versions and back."""

import httpx
import pytest

from tests.e2e.labelstudio_project import config
from tests.e2e.texts import pairs, texts

pytestmark = pytest.mark.labelstudio


def stored_versions(project) -> set[str]:
    """The versions of all predictions that Label Studio has stored."""
    return {p["model_version"] for found in project.predictions().values() for p in found}


def stored_label(prediction) -> str:
    return prediction["result"][0]["value"]["choices"][0]


@pytest.fixture(scope="module")
def trained(labelstudio, backend):
    """A project whose 240 annotated texts were imported before it was connected.

    Some 190 are in the training split, with which AutoML does not challenge the version.
    """
    project = labelstudio.project("imported before connecting", config("A", "B", "C", "D"))
    project.import_labelled(pairs(240, "ABCD"))
    project.new = project.import_texts(t for label in "ABCD" for t in texts(label, 5, seed=9))
    connection = project.connect(backend)
    row = backend.wait_for_version(project.uid)
    return project, connection, row


@pytest.mark.nightly
def test_imported_labels_train_the_first_version_by_itself(trained, backend):
    project, _, row = trained
    assert row["version"].startswith("v1-")
    (run,) = backend.runs(project.uid)[:1]
    assert run["trigger"] == "policy" and run["state"] == "succeeded"
    assert run["dataset_counts"]["tasks"] == 240
    assert len(backend.tasks(project.uid)) == 260
    statements = " ".join(s["sql"] for s in run["statements"])
    assert "CREATE FUNCTION" in statements and "SELECT id" in statements
    (metric,) = backend.sql(
        "SELECT value, n FROM registry_metric"
        " WHERE version_id = %s AND name = 'primary' AND split = 'holdout'",
        [row["champion_id"]],
    )
    assert metric["value"] > 0.9 and metric["n"] >= 20


def test_retrieve_predictions_stores_what_the_version_says_of_each_task(trained, backend):
    project, connection, row = trained
    project.retrieve_predictions(project.new)
    predictions = project.predictions()
    label_of = dict(zip(project.new, [label for label in "ABCD" for _ in range(5)], strict=True))
    right = 0
    for task, label in label_of.items():
        (prediction,) = predictions[task]
        assert prediction["model_version"] == row["version"]
        assert 0 < prediction["score"] <= 1
        region = prediction["result"][0]
        assert (region["from_name"], region["to_name"], region["type"]) == (
            "label",
            "text",
            "choices",
        )
        right += stored_label(prediction) == label
    assert right >= 18
    assert connection.info()["state"] == "CO"


def test_a_second_retrieve_asks_for_nothing_while_the_version_stands(trained):
    project, _, _ = trained
    project.retrieve_predictions(project.new)
    before = project.predictions()
    project.retrieve_predictions(project.new)
    assert project.predictions() == before


def test_interactive_and_test_requests_are_answered(trained):
    project, connection, _ = trained
    answer = connection.interact(project.new[0], context={"result": []})
    assert answer["data"]["result"][0]["value"]["choices"][0] in "ABCD"
    assert connection.test()


def test_versions_are_listed(trained):
    _, connection, row = trained
    assert row["version"] in connection.versions()["versions"]


def test_start_training_makes_a_version_and_roll_back_changes_what_is_stored_next(trained, backend):
    project, connection, _ = trained
    first = backend.project(project.uid)["version"]
    # So many that some are in the training split: else it would be the same model.
    for task in [*project.new[:2], *project.new[4:12]]:
        project.annotate(task, "A")
    connection.train()
    run = backend.wait_for(
        lambda: [r for r in backend.runs(project.uid) if r["trigger"] == "start_training"],
        "a run started by the button",
    )[0]
    backend.wait_for(
        lambda: backend.sql(
            "SELECT 1 FROM registry_trainingrun WHERE id = %s AND state = 'succeeded'", [run["id"]]
        ),
        "the run's end",
        600,
    )
    versions = [v["label"] for v in backend.versions(project.uid)]
    assert len(versions) == 2
    if backend.project(project.uid)["version"] == first:  # the rule kept the champion
        backend.manage("shell", "-c", _PROMOTE.format(label=versions[1]))
    project.retrieve_predictions(project.new[2:4])
    assert versions[1] in stored_versions(project)

    backend.manage("shell", "-c", _ROLL_BACK.format(uid=project.uid))
    assert backend.project(project.uid)["version"] == first
    task = project.import_texts(["cider and pear of the orchard"])[0]
    project.retrieve_predictions([task])
    assert [p["model_version"] for p in project.predictions()[task]] == [first]
    assert backend.audit_entries(project.uid)[-1]["verb"] == "roll_back"


_PROMOTE = """
from registry.actions import champion
from registry.models import ModelVersion
champion.promote(ModelVersion.objects.get(label="{label}"), actor="lead", reason="a test")
"""
_ROLL_BACK = """
from registry.actions import champion
from registry.models import Project
champion.roll_back(Project.objects.get(uid="{uid}"), actor="lead", reason="worse on A")
"""


def test_without_a_model_nothing_is_stored_and_no_error_is_shown(labelstudio, backend):
    project = labelstudio.project("no model yet", config("yes", "no"))
    tasks = project.import_texts(["one", "two", "three"])
    connection = project.connect(backend)
    project.retrieve_predictions()
    assert all(not found for found in project.predictions().values())
    assert project.open_task(tasks[0])["predictions"] == []
    info = connection.info()
    assert info["state"] == "CO" and not info["error_message"]
    assert connection.interact(tasks[0], context={"result": []})["data"] == {"result": []}


def test_each_annotation_is_an_event_and_they_lead_to_a_version_that_label_studio_asks_for(
    labelstudio, backend
):
    project = labelstudio.project(
        "labelled by hand", config("A", "B"), show_collab_predictions=True
    )
    labelled = pairs(60, "AB", seed=3)
    ids = project.import_texts(text for text, _ in labelled)
    project.connect(backend)
    backend.wait_for_sync(project.uid)
    answers = dict(zip(ids, [label for _, label in labelled], strict=True))

    settled = {"applied", "queued_run", "ignored"}
    for task in ids[:24]:
        project.annotate(task, answers[task])
    backend.wait_for(lambda: annotated(project, backend) == sorted(ids[:24]), "each one's event")
    backend.wait_for_version(project.uid)
    backend.wait_for(
        lambda: {e["status"] for e in backend.events(project.uid)} <= settled, "its events"
    )
    first = retrieved_version(project, backend, ids[40:])
    assert stored_versions(project) >= {first}
    assert stored_versions(project) <= champions(project, backend)

    for task in ids[24:40]:
        project.annotate(task, answers[task])
    backend.wait_for_version(project.uid, after=first)
    second = retrieved_version(project, backend, ids[40:])
    assert second != first
    assert all(
        {p["model_version"] for p in project.predictions()[task]} >= {first, second}
        for task in ids[40:]
    )
    assert stored_versions(project) <= champions(project, backend)


def champions(project, backend) -> set[str]:
    """The versions that serve or have served: two, or more where a slow labelling made more."""
    label_of = {version["id"]: version["label"] for version in backend.versions(project.uid)}
    moves = [e for e in backend.audit_entries(project.uid) if e["verb"] == "promote"]
    return {label_of[move["to_version_id"]] for move in moves}


def annotated(project, backend) -> list[int]:
    """The tasks of the events of annotations, in order, each as often as it has come."""
    events = [e for e in backend.events(project.uid) if e["action"] == "ANNOTATION_CREATED"]
    return sorted(event["payload"]["task"]["id"] for event in events)


def retrieved_version(project, backend, ids) -> str:
    """The version that served while predictions were retrieved, in whose place none came."""

    def retrieve() -> str | None:
        before = backend.project(project.uid)["version"]
        project.retrieve_predictions(ids)
        return before if backend.project(project.uid)["version"] == before else None

    return backend.wait_for(retrieve, "predictions of one version")


@pytest.mark.nightly
def test_two_projects_with_different_labels_learn_and_answer_at_once(labelstudio, backend):
    fruit = labelstudio.project("fruit", config("A", "B", name="kind"))
    music = labelstudio.project("music", config("C", "D", name="art"))
    fruit.import_labelled(pairs(60, "AB", seed=5), control="kind")
    music.import_labelled(pairs(60, "CD", seed=5), control="art")
    new = {
        fruit: fruit.import_texts(texts("A", 3, seed=8)),
        music: music.import_texts(texts("C", 3, seed=8)),
    }
    for project in new:
        project.connect(backend)
    for project, control, label in ((fruit, "kind", "A"), (music, "art", "C")):
        version = backend.wait_for_version(project.uid)["version"]
        project.retrieve_predictions(new[project])
        for task in new[project]:
            (prediction,) = project.predictions()[task]
            assert prediction["model_version"] == version
            assert prediction["result"][0]["from_name"] == control
            assert stored_label(prediction) == label


@pytest.mark.nightly
def test_a_restart_keeps_champion_and_history(labelstudio, start_backend):
    backend = start_backend()
    project = labelstudio.project("restarted", config("A", "B"))
    project.import_labelled(pairs(40, "AB", seed=4))
    project.connect(backend)
    version = backend.wait_for_version(project.uid)["version"]
    task = project.import_texts(texts("B", 1, seed=7))[0]
    backend.wait_for(
        lambda: not backend.sql("SELECT 1 FROM registry_trainingrun WHERE state = 'running'"),
        "the end of the run",
    )
    before = (
        [a["verb"] for a in backend.audit_entries(project.uid)],
        len(backend.sql("SELECT 1 FROM registry_metric")),
        len(backend.sql("SELECT 1 FROM registry_outcome")),
    )
    backend.restart()
    assert backend.project(project.uid)["version"] == version
    assert [a["verb"] for a in backend.audit_entries(project.uid)] == before[0]
    assert len(backend.sql("SELECT 1 FROM registry_metric")) >= before[1]
    assert len(backend.sql("SELECT 1 FROM registry_outcome")) >= before[2]
    project.retrieve_predictions([task])
    (prediction,) = project.predictions()[task]
    assert prediction["model_version"] == version and stored_label(prediction) == "B"


def test_the_key_never_reaches_a_log(trained, backend):
    httpx.get(f"{backend.key_url}/nonsense")

    def logged() -> list[str]:
        """The log without the lines with the key, which are for who started the server."""
        return [line for line in backend.log.read_text().splitlines() if line.startswith("{")]

    backend.wait_for(lambda: any("nonsense" in line for line in logged()), "the request's line")
    assert not any(backend.key in line for line in logged())

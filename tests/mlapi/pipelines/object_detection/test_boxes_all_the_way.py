"""The way of boxes: mirrored, learned in EvaDB, served, displayed, and learned again.

Only the engine is a small one.
"""

import io
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone
from label_studio_sdk.label_interface import LabelInterface
from PIL import Image

from mlapi import serving
from mlapi.mirror import apply_changes
from mlapi.mirror.process_events import process_pending_events
from mlapi.training import policy
from mlapi.training.run import carry_out
from registry.actions import events, project_settings, run_starts
from registry.label_renames import Rename
from registry.models import Outcome, Task, TrainingRun
from tests.factories import ProjectFactory
from tests.mlapi.image_projects import WITHOUT_CURVE, server
from tests.mlapi.labelstudio import webhooks
from tests.mlapi.pipelines.object_detection import inks, squares
from tests.mlapi.training.projects import programs_with

__all__ = ["server"]

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("no_loaded_versions", "forked_trainings"),
]

HEAD = '<View><Image name="img" value="$image"/>'
CONFIG = (
    f'{HEAD}<RectangleLabels name="box" toName="img">'
    '<Label value="red"/><Label value="blue"/></RectangleLabels></View>'
)
PROGRAMS = programs_with(inks)
AGAIN = replace(PROGRAMS, curve=WITHOUT_CURVE.curve)  # the first run has computed one
COUNT = 50
SCENES = range(1, COUNT + 1)
HEIC = b"\0\0\0\x18ftypheic" + bytes(16)
OTHER = {"red": "blue", "blue": "red"}
SWAP = (("red", "other"), ("blue", "red"), ("other", "blue"))


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    inks.register(monkeypatch.setitem)


@pytest.fixture
def project():
    project = ProjectFactory(label_config="", fingerprint="", pipeline="", hostname="")
    apply_changes.refresh_config(project, CONFIG)
    project_settings.configure(project, options={"engine": inks.NAME}, actor="tester")
    return project


def put(project, tasks: dict[int, tuple[str, list[dict]]]) -> None:
    """Annotated tasks of a sync: address and regions by number."""
    whole = [
        webhooks.task(
            number,
            data={"image": address},
            annotations=[webhooks.annotation(number, number, result=result)],
            total_annotations=1,
        )
        for number, (address, result) in tasks.items()
    ]
    apply_changes.put_whole_tasks(project, whole)


def train(project, programs=PROGRAMS) -> TrainingRun:
    run, _ = run_starts.start(project, trigger=TrainingRun.Trigger.ADMIN, actor="tester")
    run = carry_out(run.pk, "worker@test", programs=programs)
    assert run.state == "succeeded", f"{run.error_code}: {run.error} {run.log}"
    project.refresh_from_db()
    return run


def answer(project, address: str, config: str = CONFIG, context=None):
    return serving.answer(project, config, [{"id": 1, "data": {"image": address}}], context)


def places(prediction) -> list[tuple[str, list[int]]]:
    """The labels and places, in percent, of a prediction's regions."""
    return sorted(
        (r["value"]["rectanglelabels"][0], [round(r["value"][k]) for k in ("x", "y", "width")])
        for r in prediction["result"]
    )


def drawn(scene: squares.Scene) -> list[tuple[str, list[int]]]:
    return places({"result": scene.result()})


def test_boxes_are_trained_on_served_displayed_and_trained_on_again(project, server, client):
    scenes = {n: squares.scene(n) for n in SCENES}
    tasks = {n: (server.put(f"{n}.png", s.file), s.result()) for n, s in scenes.items()}
    odd = squares.scene(2_000)
    narrow = odd.result(original_width=120, original_height=160)
    tasks[900] = (server.put("narrow.png", odd.file), narrow)
    tasks[901] = (server.put("a.heic", HEIC), odd.result())
    put(project, tasks)
    outside = [squares.region("box", "red", (160, 120), 200, 10, 220, 30)]
    put(project, {902: (server.put("outside.png", odd.file), outside)})
    assert Task.objects.get(labelstudio_id=902).labels == {}

    run = train(project)
    learned(run)
    served(project, server)
    by_the_label_config(project, server)
    under_another_name(project, server)
    beside_a_drawn_box(project, server)
    pages(project, client, server)
    relabelled(project, scenes)


def learned(run: TrainingRun) -> None:
    version = run.project.champion
    assert version.recipe == inks.NAME
    assert "The engine is inks." in run.log
    assert (version.primary_metric, version.primary_value > 0.9) == ("map_50", True)
    unreadable = {one["code"]: one["tasks"] for one in run.dataset_counts["unreadable"]}
    assert unreadable == {"image_changed": 1, "image_format": 1}
    values = {(m.name, m.label): m.value for m in version.metrics.filter(step=0)}
    assert values["map_50_95", ""] > 0.5
    assert {label for name, label in values if name == "ap_50"} == {"red", "blue"}
    assert 0.05 <= values["score_threshold", "red"] <= 0.95
    assert version.metrics.filter(name="precision_at_recall", label="red").count() == 21

    ran = [statement["sql"] for statement in run.statements]
    order = [
        next(i for i, sql in enumerate(ran) if re.match(pattern, sql))
        for pattern in (
            r"CREATE TABLE \S+_train \(.*path TEXT",
            r"SELECT id, path, boxes FROM \S+_train",
            r"CREATE FUNCTION \S+ IMPL",
            r"SELECT id, \S+\(path, number\) FROM \S+_holdout",
        )
    ]
    assert order == sorted(order)


def served(project, server) -> None:
    scene = squares.scene(1_001)
    found = answer(project, server.put("new.png", scene.file))
    (prediction,) = found.results
    assert places(prediction) == drawn(scene)
    assert LabelInterface(CONFIG).validate_prediction(prediction, return_errors=True) == []
    assert prediction["model_version"] == project.champion.label
    assert {r["original_width"] for r in prediction["result"]} == {160}

    turned = squares.scene(1_002)
    (prediction,) = answer(project, server.put("turned.jpg", turned.file_on_its_side)).results
    sizes = {(r["original_width"], r["original_height"]) for r in prediction["result"]}
    assert (places(prediction), sizes) == (drawn(turned), {(160, 120)})

    empty = squares.scene(1_004)
    assert empty.objects == ()
    found = answer(project, server.put("empty.png", empty.file))
    assert (found.results, found.nothing, found.problems) == ([[]], [1], {})
    found = answer(project, f"http://{server.host}/a.heic")
    assert found.problems == {"image_format": [1]}


def by_the_label_config(project, server) -> None:
    """Thresholds, other names, skipped controls, and two tags for one box."""
    scene = squares.scene(1_001)
    address = server.put("new.png", scene.file)
    strict = CONFIG.replace("<RectangleLabels ", '<RectangleLabels model_score_threshold="1" ')
    assert answer(project, address, strict).nothing == [1]
    one = strict.replace('"red"', '"red" model_score_threshold="0"')
    found = {label for label, _ in places(answer(project, address, one).results[0])}
    assert found == {"red"}
    renamed = (
        f'{HEAD}<RectangleLabels name="box" toName="img">'
        '<Label value="ink" predicted_values="red, blue"/></RectangleLabels></View>'
    )
    found = places(answer(project, address, renamed).results[0])
    assert found == sorted(("ink", place) for _, place in drawn(scene))
    two = (
        f'{HEAD}<Rectangle name="shape" toName="img"/><Labels name="box" toName="img">'
        '<Label value="red"/><Label value="blue"/></Labels></View>'
    )
    (prediction,) = answer(project, address, two).results
    assert LabelInterface(two).validate_prediction(prediction, return_errors=True) == []
    assert [r["type"] for r in prediction["result"]] == ["rectangle", "labels"] * len(scene.objects)
    skipped = CONFIG.replace("<RectangleLabels ", '<RectangleLabels model_skip="true" ')
    assert answer(project, address, skipped).results == [[]]


def under_another_name(project, server) -> None:
    """Two labels that have swapped their names, and the threshold of one of them."""
    scene = squares.scene(1_001)
    address = server.put("new.png", scene.file)
    now = timezone.now().isoformat()
    swaps = [Rename("box", old, new, now) for old, new in SWAP]
    project.label_renames = [rename.to_dict() for rename in swaps]
    found = places(answer(project, address).results[0])
    assert found == sorted((OTHER[label], place) for label, place in drawn(scene))
    strict = CONFIG.replace('"red"', '"red" model_score_threshold="1"')
    assert {label for label, _ in places(answer(project, address, strict).results[0])} == {"blue"}
    several, (first, *others) = scene_of_one_label()
    first["value"]["rectanglelabels"] = [OTHER[first["value"]["rectanglelabels"][0]]]
    address = server.put("several.png", several.file)
    (suggested,) = answer(project, address, context={"result": [first]}).results
    expected = [(OTHER[label], place) for label, place in places({"result": others})]
    assert places(suggested) == sorted(expected)
    project.refresh_from_db()


def scene_of_one_label() -> tuple[squares.Scene, list[dict]]:
    """A scene with several objects of one label, and their regions."""
    scenes = map(squares.scene, range(1_010, 1_100))
    scene = next(s for s in scenes if len({label for label, *_ in s.objects}) == 1 < len(s.objects))
    return scene, scene.result()


def beside_a_drawn_box(project, server) -> None:
    scene, (first, *others) = scene_of_one_label()
    address = server.put("several.png", scene.file)
    (found,) = answer(project, address, context={"result": [first]}).results
    assert places(found) == places({"result": others})
    nothing = squares.Scene(scene.image, ())
    found = answer(project, server.put("n.png", nothing.file), context={"result": []}).results
    assert len(found[0]["result"]) == len(scene.objects)


def pages(project, client, server) -> None:
    version = project.champion
    client.force_login(User.objects.create_superuser("ada"))
    # A prediction of the holdout goes wrong: an object of the human is not found.
    outcome = version.outcomes.filter(predicted__0__isnull=False).first()
    lost, *rest = outcome.predicted
    Outcome.objects.filter(pk=outcome.pk).update(predicted=rest, correct=False)
    page = client.get(reverse("admin:registry_modelversion_change", args=[version.pk]))
    text = page.content.decode()
    for expected in ("mAP@50", "AP@50", "Threshold", "background", "Precision by recall"):
        assert expected in text, expected
    assert f'src="/api/tasks/{outcome.task_id}/thumbnail/?size=large"' in text
    assert text.count('class="box-human"') == len(outcome.human)
    assert text.count('class="box-model"') == len(rest)

    listed = client.get(
        reverse("admin:registry_outcome_changelist"),
        {
            "version__id__exact": version.pk,
            "source__exact": "holdout",
            "target": "box",
            "human": lost["class"],
            "predicted": "",
        },
    )
    assert [one.pk for one in listed.context_data["cl"].result_list] == [outcome.pk]
    one = client.get(reverse("admin:registry_outcome_change", args=[outcome.pk])).content.decode()
    assert 'class="box-human"' in one
    large = client.get(f"/api/tasks/{outcome.task_id}/thumbnail/?size=large")
    assert Image.open(io.BytesIO(large.content)).size == (160, 120)
    card = client.get(f"/api/versions/{version.pk}/card/").json()
    assert card["targets"][0]["kind"] == "boxes"
    assert client.get(f"/api/versions/{version.pk}/card/markdown/").status_code == 200


def relabelled(project, scenes: dict[int, squares.Scene]) -> None:
    """People call red blue and blue red, move a box and delete one: the next version knows."""
    swapped = {
        n: [
            squares.region("box", OTHER[label], (160, 120), *sides)
            for label, *sides in scene.objects
        ]
        for n, scene in scenes.items()
    }
    moved, *_ = swapped[1]
    moved["value"]["x"] += 1.5
    del swapped[2][0]
    for n, result in swapped.items():
        payload = webhooks.annotated(n, n, updated=60)
        payload["annotation"]["result"] = result
        payload["task"]["data"] = Task.objects.get(labelstudio_id=n).data
        payload["project"]["label_config"] = CONFIG
        events.record(project, "ANNOTATION_UPDATED", payload)
    process_pending_events(project.pk)
    assert moved["value"]["x"] in [
        pytest.approx(box["x"], abs=1e-3)
        for box in Task.objects.get(labelstudio_id=1).labels["box"]
    ]
    after = Task.objects.get(labelstudio_id=2).labels["box"]
    assert len(after) == len(scenes[2].objects) - 1

    before = project.champion
    again = train(project, AGAIN)
    assert again.comparison["champion_label"] == before.label
    assert again.comparison["metric"] == "map_50"
    assert again.comparison["candidate"] > again.comparison["champion"] + 0.5
    assert project.champion.number == before.number + 1


def test_the_policy_waits_for_no_image_without_a_label_that_all_others_have(project):
    later = datetime.now(UTC) + timedelta(hours=1)
    red = [squares.region("box", "red", (160, 120), 10, 10, 40, 40)]
    put(project, {n: (f"http://host/{n}.png", red) for n in range(1, 20)})
    assert policy.decide(project, later).state == "labels"
    put(project, {20: ("http://host/20.png", red)})
    project.refresh_from_db()
    assert policy.decide(project, later).state == "due"


def test_a_later_training_downloads_only_images_that_are_new_or_others(project, server):
    scenes = {n: squares.scene(n) for n in range(1, 26)}
    tasks = {n: (server.put(f"{n}.png", s.file), s.result()) for n, s in scenes.items()}
    put(project, {n: tasks[n] for n in range(1, 25)})
    first = train(project).dataset_counts["images"]
    assert (first["images"], first["downloaded"]) == (24, 24)
    other = squares.scene(1_001)
    server.requests.clear()

    put(project, {1: (server.put("other.png", other.file), other.result()), 25: tasks[25]})
    second = train(project).dataset_counts["images"]

    assert (second["images"], second["downloaded"]) == (25, 2)
    assert sorted(server.requests) == ["/25.png", "/other.png"]

"""A YOLO network of the operator's serves before anybody has labelled, and is fine-tuned later."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from mlapi import serving
from mlapi.mirror import apply_changes
from mlapi.training import policy
from mlapi.training.run import carry_out
from registry.actions import run_starts
from registry.models import TrainingRun
from tests.factories import ProjectFactory
from tests.mlapi.image_projects import WITHOUT_CURVE, server
from tests.mlapi.pipelines.object_detection import squares, yolo_files, yolo_in_one_step
from tests.mlapi.pipelines.object_detection.test_boxes_all_the_way import put
from tests.mlapi.pipelines.object_detection.test_pretrained import CONFIG, drawn, finished_run
from tests.mlapi.training.projects import programs_with

__all__ = ["server"]

pytestmark = [
    pytest.mark.yolo,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("no_loaded_versions"),
]

YOLO_CONFIG = CONFIG.replace("inks.onnx", "inks.safetensors")
IN_ONE_STEP = replace(programs_with(yolo_in_one_step), curve=WITHOUT_CURVE.curve)


@pytest.fixture
def project(settings, tmp_path):
    settings.ACCEPT_AGPL = True
    settings.MODELS_DIR = str(tmp_path / "models")
    (tmp_path / "models").mkdir()
    yolo_files.written(tmp_path / "models", all_of_class_0())
    made = ProjectFactory(label_config="", fingerprint="", pipeline="", hostname="")
    apply_changes.refresh_config(made, YOLO_CONFIG)
    return made


def all_of_class_0() -> bytes:
    """The weights of a small network whose every box is one of the first class, by its biases."""
    import torch

    from mlapi.pipelines.object_detection.engines.yolo import definition, network

    torch.manual_seed(0)
    built = network.build(definition.checked(yolo_files.definition(), 2))
    with torch.no_grad():
        for branch in built.model[-1].cv3:
            branch[-1].weight.zero_()
            branch[-1].bias.copy_(torch.tensor([5.0, -9.0]))
    return network.weights(built)


def annotate(project, server, numbers: range) -> None:
    scenes = {number: squares.scene(number) for number in numbers}
    put(project, {n: (server.put(f"{n}.png", s.file), drawn(s)) for n, s in scenes.items()})


def train(project, programs=IN_ONE_STEP) -> TrainingRun:
    run, _ = run_starts.start(project, trigger=TrainingRun.Trigger.ADMIN, actor="tester")
    run = carry_out(run.pk, "worker@test", programs=programs)
    project.refresh_from_db()
    return run


def served_labels(project, server) -> set[str]:
    """The labels that are served for a scene; the class red is called Tomato."""
    address = server.put("new.png", squares.scene(1).file)
    found = serving.answer(project, YOLO_CONFIG, [{"id": 1, "data": {"image": address}}])
    return {r["value"]["rectanglelabels"][0] for r in found.results[0]["result"]}


def test_it_serves_before_a_label_and_is_fine_tuned_by_labels(project, server):
    run = policy.consider(project, datetime.now(UTC))
    assert run.trigger == TrainingRun.Trigger.PRETRAINED
    finished_run(run)
    project.refresh_from_db()
    first = project.champion
    assert first.recipe == "yolo"
    assert served_labels(project, server) == {"Tomato"}

    annotate(project, server, range(1, 25))
    run = train(project)

    assert run.state == "succeeded", f"{run.error_code}: {run.error} {run.log}"
    assert "box is learned from inks.safetensors on" in run.log
    version = project.versions.get(run=run)
    assert version.recipe == "yolo" and version.artifact_sha256 != first.artifact_sha256
    assert version.primary_metric == "map_50" and version.primary_value is not None
    assert {t.name: t.labels for t in version.targets.all()} == {"box": ["Tomato", "blue"]}


def test_a_file_of_other_classes_takes_nothing_from_the_version_that_serves(
    project, server, tmp_path
):
    finished_run(policy.consider(project, datetime.now(UTC)))
    project.refresh_from_db()
    champion = project.champion
    definition = tmp_path / "models" / "inks.yaml"
    definition.write_text(definition.read_text().replace("red", "cat").replace("blue", "dog"))
    annotate(project, server, range(1, 25))

    run = train(project)

    assert (run.state, run.error_code) == ("failed", "model_file_invalid")
    assert "none of the labels of box, but cat, dog" in run.error
    assert project.champion == champion and served_labels(project, server) == {"Tomato"}


def test_without_the_licence_the_run_says_what_it_asks(project, settings):
    settings.ACCEPT_AGPL = False

    run = policy.consider(project, datetime.now(UTC))
    run = carry_out(run.pk, "worker@test", programs=WITHOUT_CURVE)

    assert (run.state, run.error_code) == ("failed", "model_file_invalid")
    assert "complete source" in run.error and "ACCEPT_AGPL=true" in run.error

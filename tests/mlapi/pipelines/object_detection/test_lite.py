"""The engine `lite`: what it learns of scenes, with the vision extra."""

from dataclasses import replace

import numpy as np
import pytest

from mlapi.pipelines.object_detection.engines import ENGINES
from mlapi.pipelines.object_detection.engines.base import Box, DetectionExample, Detector
from tests.mlapi.pipelines.object_detection import scenes
from tests.mlapi.pipelines.object_detection.average_precision import (
    average_precisions,
    mean_average_precision,
)

pytestmark = pytest.mark.vision
ENGINE = ENGINES["lite"]


def trained_detector(
    examples: list[DetectionExample], labels: tuple[str, ...], seed: int = 0
) -> Detector:
    return ENGINE.train(examples, labels, seed=seed, deadline=lambda: None)


def found(detector: Detector, examples: list[DetectionExample]) -> list[list[Box]]:
    return [detector.detect(example.image) for example in examples]


@pytest.fixture(scope="module")
def detector_of_ten_scenes() -> Detector:
    return trained_detector(scenes.shape_scenes(10, 0), scenes.SHAPES)


@pytest.fixture
def short_trainings(monkeypatch):
    """Trainings of a few steps, which learn little, and detectors that say all that they see."""
    from mlapi.pipelines.object_detection.engines.candidates import Suppression
    from mlapi.pipelines.object_detection.engines.lite import detector, training

    monkeypatch.setattr(detector, "USUAL", Suppression(0.0, 0.5, 20))

    monkeypatch.setattr(training, "_VARIATIONS", 8)
    monkeypatch.setattr(training, "_HEAD_EPOCHS", 1)
    monkeypatch.setattr(training, "_WHOLE_EPOCHS", 1)


def test_it_can_be_used_with_the_vision_extra():
    assert ENGINE.missing() is None and ENGINE.untrainable() is None


def test_the_backbone_knows_a_daisy_and_a_palace():
    """ImageNet's classes follow from its features, so its weights are assigned correctly."""
    import io

    import cv2
    import torch
    from sklearn.datasets import load_sample_images
    from torch.nn import functional

    from mlapi.pipelines.object_detection.engines.lite import weights
    from mlapi.pipelines.object_detection.engines.lite.network import Network, prepared

    stored = torch.load(io.BytesIO(weights.read()), weights_only=True)
    network = Network(1)
    network.load_backbone()
    squares = [cv2.resize(i[:, 100:527], (224, 224)) for i in load_sample_images().images]
    with torch.inference_mode():
        backbone = network.eval().backbone
        _, coarse = backbone.late(backbone.early(prepared(torch.from_numpy(np.stack(squares)))))
        features = functional.conv2d(coarse, stored["_conv_head.weight"])
        norm = [stored[f"_bn1.{n}"] for n in ("running_mean", "running_var", "weight", "bias")]
        features = functional.relu6(functional.batch_norm(features, *norm, eps=1e-3))
        classes = (features.mean((2, 3)) @ stored["_fc.weight"].T + stored["_fc.bias"]).argmax(1)

    assert classes.tolist() == [698, 985]


def test_ten_images_are_enough_also_for_what_differs_in_colour_only(detector_of_ten_scenes):
    test = scenes.shape_scenes(40, 0, test=True)

    means = average_precisions(test, found(detector_of_ten_scenes, test), scenes.SHAPES)

    assert sum(means.values()) / len(means) >= 0.6
    swapped = [replace(e, image=np.ascontiguousarray(e.image[..., ::-1])) for e in test]
    mistaken = average_precisions(swapped, found(detector_of_ten_scenes, swapped), scenes.SHAPES)
    for label in scenes.COLOURED:
        assert mistaken[label] <= means[label] / 2


@pytest.mark.parametrize(
    ("draw", "labels"),
    [(scenes.shape_scenes, scenes.SHAPES), (scenes.digit_scenes, scenes.DIGITS)],
)
def test_fifty_images_are_learned_well(draw, labels):
    test = draw(40, 0, test=True)
    detector = trained_detector(draw(50, 0), labels)

    assert mean_average_precision(test, found(detector, test), labels) >= 0.9


def test_more_images_and_a_new_label_cost_the_others_little():
    few = scenes.shape_scenes(30, 0, labels=scenes.COLOURED)
    more = [*few, *scenes.shape_scenes(20, 1)]
    test = scenes.shape_scenes(40, 0, test=True)

    def average(detector: Detector) -> float:
        means = average_precisions(test, found(detector, test), scenes.SHAPES)
        return sum(means[label] for label in scenes.COLOURED) / len(scenes.COLOURED)

    before = average(trained_detector(few, scenes.COLOURED))
    assert average(trained_detector(more, scenes.SHAPES)) >= before - 0.02


def test_it_is_restored_from_its_arrays(short_trainings):
    (scene,) = scenes.shape_scenes(1, 3)
    detector = trained_detector([scene], scenes.SHAPES)

    restored = ENGINE.restore(detector.header(), detector.arrays())

    assert restored.detect(scene.image) == detector.detect(scene.image) != []
    assert all(isinstance(array, np.ndarray) for array in detector.arrays().values())


@pytest.mark.parametrize("cores", [1, 2])
def test_the_same_seed_learns_the_same_on_as_many_cores(short_trainings, monkeypatch, cores):
    monkeypatch.setenv("TRAINING_CORES", str(cores))
    (scene,) = scenes.shape_scenes(1, 3)

    first, again, other = (trained_detector([scene], scenes.SHAPES, seed) for seed in (1, 1, 2))

    assert first.detect(scene.image) == again.detect(scene.image) != other.detect(scene.image)


def test_torch_computes_on_the_cores_of_the_training_while_it_lasts(short_trainings, monkeypatch):
    import torch

    monkeypatch.setenv("TRAINING_CORES", "3")
    usual, meanwhile = torch.get_num_threads(), set()

    ENGINE.train(
        scenes.shape_scenes(1, 3),
        scenes.SHAPES,
        seed=1,
        deadline=lambda: meanwhile.add(torch.get_num_threads()),
    )

    assert meanwhile == {3}
    assert torch.get_num_threads() == usual == 1


@pytest.mark.parametrize("change", ["no labels", "no array", "other labels"])
def test_an_artifact_that_is_no_detector_is_not_restored(short_trainings, change):
    detector = trained_detector(scenes.shape_scenes(1, 3), scenes.SHAPES)
    header, arrays = detector.header(), detector.arrays()
    if change == "no labels":
        del header["labels"]
    elif change == "no array":
        del arrays["head.labels.weight"]
    else:
        header["labels"] = ["one"]

    with pytest.raises(ValueError, match="No detector of lite"):
        ENGINE.restore(header, arrays)


def test_images_of_any_size_are_learned_and_answered(short_trainings):
    (scene,) = scenes.shape_scenes(1, 3)
    thin = DetectionExample(np.zeros((3, 90, 3), np.uint8), (Box("red disc", 0, 0, 3, 3),))
    detector = trained_detector([scene, thin, replace(thin, boxes=())], scenes.SHAPES)

    for height, width in ((1, 1), (2, 900), (900, 2)):
        boxes = detector.detect(np.zeros((height, width, 3), np.uint8))
        assert all(0 <= b.left < b.right <= width for b in boxes)


def test_nothing_is_learned_without_a_box():
    (scene,) = scenes.shape_scenes(1, 3)

    with pytest.raises(ValueError, match="No box"):
        trained_detector([replace(scene, boxes=(Box("red disc", 9, 9, 9, 9),))], scenes.SHAPES)


def test_the_deadline_ends_the_training(short_trainings):
    class OutOfTime(Exception):
        pass

    def deadline():
        raise OutOfTime

    with pytest.raises(OutOfTime):
        ENGINE.train(scenes.shape_scenes(2, 0), scenes.SHAPES, seed=0, deadline=deadline)

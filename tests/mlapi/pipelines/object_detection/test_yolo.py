"""The engine `yolo`: what it learns from a definition or from weights, with the package."""

import time
from dataclasses import replace

import numpy as np
import pytest

from mlapi.pipelines.object_detection.engines import ENGINES, YOLO
from mlapi.pipelines.object_detection.engines.base import Box, DetectionExample
from tests.mlapi.pipelines.object_detection import scenes, squares, yolo_files
from tests.mlapi.pipelines.object_detection.average_precision import (
    average_precisions,
    mean_average_precision,
)

pytestmark = pytest.mark.yolo


@pytest.fixture(autouse=True)
def _licence_accepted(settings):
    settings.ACCEPT_AGPL = True


@pytest.fixture
def short_trainings(monkeypatch):
    """Trainings of one step, and detectors that say all that they see."""
    from mlapi.pipelines.object_detection.engines.candidates import Suppression
    from mlapi.pipelines.object_detection.engines.yolo import detector, training

    monkeypatch.setattr(training, "_LEAST_STEPS", 1)
    monkeypatch.setattr(training, "RANDOM", training.Schedule(1, 1e-3))
    monkeypatch.setattr(training, "GIVEN", training.Schedule(1, 1e-9))
    monkeypatch.setattr(training, "_BATCH", 2)
    monkeypatch.setattr(detector, "USUAL", Suppression(0.0, 0.5, 20))


def small(**changed) -> bytes:
    """The random weights of a small network that finds two classes."""
    import torch

    from mlapi.pipelines.object_detection.engines.yolo import definition, network

    torch.manual_seed(0)
    return network.weights(network.build(definition.checked(yolo_files.definition(**changed), 2)))


def trained_detector(examples: list[DetectionExample], labels: tuple[str, ...], engine=YOLO):
    return engine.train(examples, labels, seed=0, deadline=lambda: None)


def test_it_is_stored_as_safetensors_and_finds_the_same_again(short_trainings):
    from safetensors.numpy import load

    examples = scenes.shape_scenes(4, 0)
    first = trained_detector(examples, scenes.SHAPES)
    image = examples[0].image

    again = YOLO.restore(first.header(), first.arrays())

    assert first.detect(image) and again.detect(image) == first.detect(image)
    assert "model.0.conv.weight" in load(first.arrays()["safetensors"].tobytes())


def test_other_arrays_than_those_of_a_detector_are_refused(tmp_path):
    model = YOLO.read(yolo_files.written(tmp_path, small()))
    header, arrays = model.header(), model.arrays()

    def refused(reason, header=header, arrays=arrays):
        with pytest.raises(ValueError, match=f"No detector of yolo.*{reason}"):
            YOLO.restore(header, arrays)

    refused("safetensors", arrays={})
    refused("no safetensors file", arrays={"safetensors": np.zeros(8, np.uint8)})
    refused("not those", header={**header, "labels": ["red", "blue", "green"]})
    refused("labels", header={**header, "labels": []})
    refused("TypeError", header={**header, "definition": "yolo11n"})
    refused("no backbone", header={**header, "definition": {"nc": 2}})


@pytest.mark.parametrize(
    ("content", "changed", "reason"),
    [
        (b"", {}, "no safetensors file"),
        (b"\x80\x04\x95 a pickle", {}, "no safetensors file"),
        ("whole", {"names": ["red", "green", "blue"]}, "not those of the network"),
        ("whole", {"width": 24}, "not those of the network"),
        ("whole", {"backbone": [[-1, 1, "Conv", [8]], [5, 1, "Conv", [8]]]}, "do not fit together"),
        ("infinite", {}, "not finite"),
    ],
)
def test_a_file_that_is_no_such_network_is_refused(content, changed, reason, tmp_path):
    from safetensors.numpy import load, save

    if content == "whole":
        content = small()
    elif content == "infinite":
        arrays = load(small())
        arrays["model.0.conv.weight"] = arrays["model.0.conv.weight"] * np.float32(np.inf)
        content = save(arrays)

    with pytest.raises(ValueError, match=reason):
        YOLO.read(yolo_files.written(tmp_path, content, **changed))


def test_a_class_that_is_known_begins_as_it_is(short_trainings, tmp_path):
    """A label that the model does not know finds nothing yet."""
    model = YOLO.read(yolo_files.written(tmp_path, small()))
    examples = scenes.shape_scenes(2, 0)
    renamed = ("green triangle", "blue disc")
    engine = type(YOLO)(model, {"blue": "blue disc"})

    tuned = trained_detector(examples, renamed, engine)
    again = YOLO.restore(tuned.header(), tuned.arrays())

    image = examples[0].image
    best = {label: _best(again, image, label) for label in renamed}
    assert best["blue disc"] == pytest.approx(_best(model, image, "blue"), rel=0.2)
    assert best["green triangle"] < 0.05


def _best(detector, image, label) -> float:
    return max((box.score for box in detector.detect(image) if box.label == label), default=0.0)


def test_boxes_without_an_area_are_refused():
    empty = [replace(example, boxes=()) for example in scenes.shape_scenes(3, 0)]

    with pytest.raises(ValueError, match="No box has an area"):
        trained_detector(empty, scenes.SHAPES)


def test_the_package_leaves_the_process_as_it_was():
    import os

    import cv2
    import torch

    from mlapi.pipelines.object_detection.engines.yolo import network

    network.package.cache_clear()
    before = dict(os.environ), torch.save, cv2.getNumThreads(), torch.get_num_threads()
    network.package()
    assert (dict(os.environ), torch.save, cv2.getNumThreads(), torch.get_num_threads()) == before
    assert torch.save.__module__ == "torch.serialization"


@pytest.mark.nightly
def test_fifty_images_are_learned_from_the_definition_within_ten_minutes():
    test = scenes.shape_scenes(30, 0, test=True)
    started_at = time.process_time()
    detector = trained_detector(scenes.shape_scenes(50, 0), scenes.SHAPES, ENGINES["yolo"])
    seconds = time.process_time() - started_at
    found = [detector.detect(example.image) for example in test]

    assert mean_average_precision(test, found, scenes.SHAPES) >= 0.9
    assert seconds < 2 * 600  # of two cores
    # With the channels of colour in another order, red is blue.
    swapped = [replace(e, image=np.ascontiguousarray(e.image[..., ::-1])) for e in test]
    mistaken = average_precisions(
        swapped, [detector.detect(example.image) for example in swapped], scenes.SHAPES
    )
    assert all(mistaken[label] <= 0.2 for label in scenes.COLOURED)


@pytest.mark.nightly
def test_pretrained_weights_go_on_detecting_their_labels_and_learn_a_new_one(monkeypatch):
    from mlapi.pipelines.object_detection.engines.yolo import definition, network, training

    two, three = ("red", "blue"), ("green", "blue", "red")
    small = definition.checked(yolo_files.definition(), len(two))
    monkeypatch.setattr(network, "default_definition", lambda classes: small)
    monkeypatch.setattr(training, "RANDOM", replace(training.RANDOM, steps=300))
    fitted = trained_detector(_squares(range(1, 60), two), two)
    engine = type(YOLO)(fitted, {label: label for label in two})

    tuned = trained_detector(_squares(range(60, 80), three), three, engine)

    test = _squares(range(200, 230), three)
    found = [tuned.detect(example.image) for example in test]
    assert min(average_precisions(test, found, three).values()) >= 0.7


def _squares(numbers: range, labels: tuple[str, ...]) -> list[DetectionExample]:
    return [
        DetectionExample(one.image, tuple(Box(*place) for place in one.objects))
        for one in (squares.scene(number, labels) for number in numbers)
    ]

"""The engine `yolo`: what it learns of scenes from its definition, with the package installed."""

import time
from dataclasses import replace

import numpy as np
import pytest

from mlapi.pipelines.object_detection.engines import ENGINES
from mlapi.pipelines.object_detection.engines.base import Example
from tests.mlapi.pipelines.object_detection import scenes
from tests.mlapi.pipelines.object_detection.average_precision import (
    average_precisions,
    mean_average_precision,
)

pytestmark = pytest.mark.yolo
ENGINE = ENGINES["yolo"]


@pytest.fixture(autouse=True)
def _accepted(settings):
    settings.ACCEPT_AGPL = True


def learned(examples: list[Example], labels: tuple[str, ...]):
    return ENGINE.train(examples, labels, seed=0, deadline=lambda: None)


def test_it_is_stored_as_arrays_and_finds_the_same_again(monkeypatch):
    from mlapi.pipelines.object_detection.engines.candidates import Suppression
    from mlapi.pipelines.object_detection.engines.yolo import detector, training

    monkeypatch.setattr(training, "_STEPS", 1)
    monkeypatch.setattr(training, "_BATCH", 2)
    monkeypatch.setattr(detector, "_SUPPRESSION", Suppression(0.0, 0.5, 20))
    examples = scenes.shape_scenes(4, 0)
    first = learned(examples, scenes.SHAPES)
    image = examples[0].image

    again = ENGINE.restore(first.header(), first.arrays())

    assert first.detect(image) and again.detect(image) == first.detect(image)
    others = {**first.arrays(), "model.0.conv.weight": np.zeros((3, 3), np.float32)}
    with pytest.raises(ValueError, match="arrays are others"):
        ENGINE.restore(first.header(), others)
    with pytest.raises(ValueError, match="no model definition"):
        ENGINE.restore({**first.header(), "definition": "os.system"}, first.arrays())


def test_boxes_without_an_area_are_refused():
    empty = [replace(example, boxes=()) for example in scenes.shape_scenes(3, 0)]

    with pytest.raises(ValueError, match="No box has an area"):
        learned(empty, scenes.SHAPES)


@pytest.mark.nightly
def test_fifty_images_are_learned_from_the_definition_within_ten_minutes():
    test = scenes.shape_scenes(30, 0, test=True)
    began = time.process_time()
    detector = learned(scenes.shape_scenes(50, 0), scenes.SHAPES)
    seconds = time.process_time() - began
    found = [detector.detect(example.image) for example in test]

    assert mean_average_precision(test, found, scenes.SHAPES) >= 0.9
    assert seconds < 2 * 600  # of two cores
    # With the channels of colour in another order, red is blue.
    swapped = [replace(e, image=np.ascontiguousarray(e.image[..., ::-1])) for e in test]
    mistaken = average_precisions(
        swapped, [detector.detect(example.image) for example in swapped], scenes.SHAPES
    )
    assert all(mistaken[label] <= 0.2 for label in scenes.COLOURED)

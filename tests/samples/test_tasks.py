"""The tasks of the samples: the same each time, one class labelled badly."""

from collections import Counter

import cv2
import numpy as np
import pytest

from mlapi.labelstudio.label_config import parse
from mlapi.media.addresses import decode_inline
from mlapi.served_config import resolve
from samples import notes, shapes

SAMPLES = {"notes": (notes, notes.notes), "shapes": (shapes, shapes.shapes)}


@pytest.mark.parametrize("kind", SAMPLES)
def test_the_tasks_are_the_same_each_time_and_other_ones_with_another_seed(kind):
    _, make = SAMPLES[kind]
    assert list(make(8, 1)) == list(make(8, 1))
    assert list(make(8, 1)) != list(make(8, 2))


@pytest.mark.parametrize("kind", SAMPLES)
def test_one_class_is_often_labelled_as_another_one_and_the_others_never(kind):
    module, make = SAMPLES[kind]
    topics = [module.LABELS[i % 4] for i in range(400)]
    wrong = Counter(
        topic for topic, (_, label) in zip(topics, make(400, 1), strict=True) if label != topic
    )
    assert list(wrong) == [module._BAD]
    assert 20 < wrong[module._BAD] < 60


@pytest.mark.parametrize("kind", SAMPLES)
def test_a_pipeline_serves_the_config_and_knows_every_label(kind):
    module, make = SAMPLES[kind]
    (target,) = resolve(module.CONFIG, {}).targets
    assert target.labels == module.LABELS
    assert {label for _, label in make(40, 1)} <= set(module.LABELS)
    assert parse(module.CONFIG)


def test_a_shape_is_an_image_that_can_be_read():
    (data, _), *_ = shapes.shapes(1, 1)
    content = decode_inline(data["image"])
    image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    assert image.shape == (64, 64, 3)

"""The threshold of each label, as the training images choose it."""

import numpy as np
import pytest

from mlapi.domain import TargetSpec
from mlapi.images.features import SizedImage
from mlapi.label_types.geometry import Rectangle
from mlapi.label_types.labelled_box import LabelledBox
from mlapi.pipelines.object_detection.examples import (
    AnnotatedImage,
    Validation,
    choose_thresholds,
    f1_at,
)


def _box(x, score=None, label="cat"):
    return LabelledBox(label, Rectangle(x, 0, 10, 10), score=score)


def test_it_lies_between_what_is_right_and_what_is_not():
    humans = [(_box(0),), (_box(0), _box(50))]
    found = [(_box(0, 0.9), _box(70, 0.3)), (_box(0, 0.8), _box(51, 0.6), _box(20, 0.4))]
    least = choose_thresholds(humans, found, ["cat", "dog"])
    assert least == {"cat": pytest.approx(0.5)}
    assert f1_at(humans, found, least) == 1.0


def test_a_second_box_of_one_object_is_wrong():
    humans = [(_box(0),)]
    found = [(_box(0, 0.9), _box(1, 0.7))]
    assert choose_thresholds(humans, found, ["cat"]) == {"cat": pytest.approx(0.8)}


def test_without_a_right_box_there_is_none():
    assert choose_thresholds([(_box(0),)], [(_box(50, 0.9),)], ["cat"]) == {}
    assert choose_thresholds([()], [()], ["cat"]) == {}
    assert f1_at([()], [()], {"cat": 0.5}) is None


def test_a_label_without_a_right_box_has_the_usual_one_and_the_log_says_so():
    spec = TargetSpec("box", "img", "Image", "image", "boxes", ("cat", "dog"))
    image = SizedImage(np.zeros((20, 20, 3), np.uint8), (20, 20))

    found = Validation.of(spec, [AnnotatedImage("0", image, (_box(0),))], [[_box(0, 0.9)]])

    assert found.thresholds == {"cat": pytest.approx(0.475), "dog": 0.5}
    assert found.summary == "cat 0.48, dog 0.50 (the usual: no box found)"

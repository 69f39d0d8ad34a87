"""The threshold of each label, as the training images choose it."""

import pytest

from mlapi.label_types.geometry import Rectangle
from mlapi.label_types.labelled_box import LabelledBox
from mlapi.pipelines.object_detection import thresholds


def _box(x, score=None, label="cat"):
    return LabelledBox(label, Rectangle(x, 0, 10, 10), score=score)


def test_it_lies_between_what_is_right_and_what_is_not():
    humans = [(_box(0),), (_box(0), _box(50))]
    found = [(_box(0, 0.9), _box(70, 0.3)), (_box(0, 0.8), _box(51, 0.6), _box(20, 0.4))]
    least = thresholds.chosen(humans, found, ["cat", "dog"])
    assert least == {"cat": pytest.approx(0.5), "dog": 0.5}
    assert thresholds.f1(humans, found, least) == 1.0


def test_a_second_box_of_one_object_is_wrong():
    humans = [(_box(0),)]
    found = [(_box(0, 0.9), _box(1, 0.7))]
    assert thresholds.chosen(humans, found, ["cat"]) == {"cat": pytest.approx(0.8)}


def test_without_a_right_box_it_is_the_usual_one():
    assert thresholds.chosen([(_box(0),)], [(_box(50, 0.9),)], ["cat"]) == {"cat": 0.5}
    assert thresholds.chosen([()], [()], ["cat"]) == {"cat": 0.5}
    assert thresholds.f1([()], [()], {"cat": 0.5}) is None

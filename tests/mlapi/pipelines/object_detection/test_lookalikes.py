"""Suggestions of objects that look like a box that was just drawn."""

import numpy as np
import pytest

from mlapi.images.features import SizedImage
from mlapi.label_types.geometry import Rectangle
from mlapi.label_types.labelled_box import LabelledBox
from mlapi.pipelines.object_detection.lookalikes import lookalikes


def _scene():
    """Four crosses on noise, one of them half as large, and a disc of the same colour."""
    rng = np.random.default_rng(0)
    image = rng.integers(190, 256, (200, 400, 3)).astype(np.uint8)
    places = [(20, 20, 40), (120, 30, 40), (220, 120, 40), (320, 20, 36)]
    for left, top, side in places:
        third = side // 3
        image[top + third : top + 2 * third, left : left + side] = (40, 40, 160)
        image[top : top + side, left + third : left + 2 * third] = (40, 40, 160)
    y, x = np.mgrid[:200, :400]
    image[(x - 60) ** 2 + (y - 150) ** 2 < 400] = (40, 40, 160)
    return image, [_place(left, top, side) for left, top, side in places]


def _place(left, top, side):
    return Rectangle(left / 4, top / 2, side / 4, side / 2)


def test_the_other_objects_that_look_like_it_are_found():
    image, places = _scene()
    found = lookalikes(SizedImage(image, (800, 400)), [LabelledBox("cross", places[0])], [])
    assert len(found) == 3
    for place in places[1:]:
        assert any(
            abs(one.value.place.x - place.x) < 3 and abs(one.value.place.y - place.y) < 3
            for one in found
        )
    assert {one.value.label for one in found} == {"cross"}
    assert {one.value.size for one in found} == {(800, 400)}
    assert all(0.7 < one.score <= 1 for one in found)


def test_a_candidate_of_the_model_helps_if_it_looks_like_it():
    image, places = _scene()
    small, disc = _place(320, 20, 30), Rectangle(10, 65, 10, 20)
    candidates = [
        LabelledBox("cross", small, score=0.1),
        LabelledBox("disc", disc, score=0.9),
    ]
    found = lookalikes(SizedImage(image, (400, 200)), [LabelledBox("cross", places[0])], candidates)
    assert [one.value.label for one in found] == ["cross"] * len(found)
    assert len(found) == 3


def test_a_plain_or_tiny_box_does_no_harm():
    image, _ = _scene()
    sized = SizedImage(image, (400, 200))
    for box in (
        Rectangle(0, 0, 0.1, 0.1),
        Rectangle(0, 0, 100, 100),
        Rectangle(99.9, 99.9, 0.1, 0.1),
    ):
        assert lookalikes(sized, [LabelledBox("cross", box)], []) == ()


@pytest.mark.parametrize("height", [1, 2])
def test_a_very_thin_image_is_no_error(height):
    """The height is less than half a pixel at the size at which objects are compared."""
    image = np.full((height, 2048, 3), 220, np.uint8)
    drawn, other = Rectangle(10, 0, 20, 100), Rectangle(50, 0, 20, 100)
    for place in (drawn, other):
        left, _, right, _ = place.in_pixels(2048, height)
        image[:, round(left) : round(right)] = (40, 40, 160)
    candidates = [LabelledBox("cross", other, score=0.1)]
    found = lookalikes(SizedImage(image, (2048, height)), [LabelledBox("cross", drawn)], candidates)
    assert [one.value.place for one in found] == [other]

"""Several names of a model that are served with one label."""

import numpy as np
import pytest

from mlapi.domain import TargetSpec
from mlapi.images.features import SizedImage
from mlapi.pipelines.object_detection import pretrained
from mlapi.pipelines.object_detection.engines.base import Box, Detector
from mlapi.pipelines.object_detection.examples import AnnotatedImage
from mlapi.pipelines.object_detection.model import DetectedTarget

VEHICLES = TargetSpec(
    "box",
    "img",
    "Image",
    "image",
    "boxes",
    ("Vehicle", "Person"),
    control_tag="RectangleLabels",
    attributes=(("Vehicle", "predicted_values", "car, truck, bus"),),
)
PLACE, NEARLY = (10, 10, 50, 50), (12, 10, 52, 50)
ELSEWHERE = (60, 60, 90, 90)


class _Fixed(Detector):
    """A detector that finds in an image the boxes whose number its first pixel has."""

    def __init__(self, *boxes):
        self._boxes = boxes

    def detect(self, image):
        return list(self._boxes[image[0, 0, 0]])


def _image(number=0):
    return SizedImage(np.full((100, 100, 3), number, np.uint8), (100, 100))


def _served(*boxes, **thresholds):
    target = DetectedTarget(VEHICLES, "fixed", _Fixed(boxes), thresholds)
    answer = target.answer(VEHICLES, target.detect(_image()))
    return [(r.value.label, r.score) for r in answer.regions if not r.value.candidate]


def test_an_object_that_is_found_by_several_names_is_served_once():
    car, truck = Box("car", *PLACE, 0.9), Box("truck", *NEARLY, 0.8)
    assert _served(car, truck, Box("bus", *PLACE, 0.7)) == [("Vehicle", 0.9)]
    assert _served(car, Box("truck", *ELSEWHERE, 0.8)) == [("Vehicle", 0.9), ("Vehicle", 0.8)]
    assert _served(car, Box("Person", *NEARLY, 0.8)) == [("Vehicle", 0.9), ("Person", 0.8)]
    # What is one object by one name is the detector's to say.
    assert _served(car, Box("car", *NEARLY, 0.8)) == [("Vehicle", 0.9), ("Vehicle", 0.8)]


def test_what_is_below_its_threshold_takes_the_place_of_nothing_that_is_served():
    car, truck = Box("car", *PLACE, 0.6), Box("truck", *NEARLY, 0.5)
    assert _served(car, truck, car=0.7, truck=0.4) == [("Vehicle", 0.5)]


class _Log:
    def log(self, line):
        pass


@pytest.mark.parametrize("second", ["car", "truck"])
def test_thresholds_are_chosen_on_what_is_served(second):
    detector = _Fixed(
        [Box("car", *PLACE, 0.9), Box("truck", *PLACE, 0.7)], [Box(second, *PLACE, 0.5)]
    )
    known = dict.fromkeys(("car", "truck"), "Vehicle")
    model = pretrained.Pretrained("trucks.onnx", "fixed", detector, known)
    person_drew = DetectedTarget(VEHICLES, "", _Fixed([Box("Vehicle", *PLACE)]), {})
    drawn = [AnnotatedImage(f"{n}.png", _image(n), person_drew.detect(_image())) for n in (0, 1)]

    found = pretrained.result(VEHICLES, model, drawn, _Log())

    assert found.candidate.score == 1.0
    assert found.target.thresholds == {"car": pytest.approx(0.275), "truck": pytest.approx(0.275)}

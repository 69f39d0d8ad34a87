"""Several names of a model that are served with one label."""

import numpy as np
import pytest
from PIL import Image

from mlapi.domain import TargetSpec
from mlapi.images.features import SizedImage
from mlapi.images.folder_store import FolderImageStore
from mlapi.inputs import SizedImages
from mlapi.label_types.geometry import Rectangle
from mlapi.label_types.labelled_box import LabelledBox
from mlapi.pipelines.object_detection import pretrained
from mlapi.pipelines.object_detection.engines.base import Box, Detector
from mlapi.pipelines.object_detection.examples import AnnotatedImage
from mlapi.pipelines.object_detection.model import DetectedTarget, DetectionModel
from mlapi.pipelines.object_detection.predictor import DetectionPredictor

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

    def arrays(self):
        return {}


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


def test_what_is_found_by_a_models_name_helps_to_suggest_what_looks_like_a_drawn_box(tmp_path):
    """The pixels alone are not similar enough."""
    rng = np.random.default_rng(0)
    pattern, other = rng.normal(0, 1, (2, 40, 40, 3))
    pixels = np.full((200, 200, 3), 120, np.uint8)
    for at, values in ((20, pattern), (120, 0.65 * pattern + 0.76 * other)):
        pixels[at : at + 40, at : at + 40] = np.clip(120 + 40 * values, 1, 255)
    pixels[0, 0] = 0
    Image.fromarray(pixels).save(tmp_path / "a.png")
    store = FolderImageStore(pixels={"a.png": tmp_path / "a.png"})
    drawn = LabelledBox("Vehicle", Rectangle(10, 10, 20, 20))

    def suggested(*boxes):
        target = DetectedTarget(VEHICLES, "fixed", _Fixed(boxes), {})
        predictor = DetectionPredictor(DetectionModel(SizedImages(), [target]))
        found = predictor.suggest({"image": "a.png"}, [VEHICLES], {"box": [drawn]}, store)
        return [(r.value.label, r.value.place) for r in found["box"].regions]

    assert suggested() == []
    assert suggested(Box("truck", 120, 120, 160, 160, 0.6)) == [("Vehicle", (60, 60, 20, 20))]

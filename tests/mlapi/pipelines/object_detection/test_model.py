"""A version's detectors: as an artifact, and as answers under a label config."""

from dataclasses import replace

import numpy as np
import pytest

from mlapi.domain import InvalidOption, TargetSpec
from mlapi.images.features import SizedImage
from mlapi.inputs import SizedImages
from mlapi.pipelines import artifact
from mlapi.pipelines.object_detection import engines
from mlapi.pipelines.object_detection.engines.base import Box, Detector
from mlapi.pipelines.object_detection.model import DetectedTarget, DetectionModel
from mlapi.pipelines.object_detection.options import chosen_engine
from mlapi.pipelines.parts import ArtifactInvalid
from tests.mlapi.pipelines.object_detection import inks, squares

SPEC = TargetSpec(
    "box", "img", "Image", "image", "boxes", ("red", "blue"), control_tag="RectangleLabels"
)
COLOURS = np.array([squares.INKS["red"], squares.INKS["blue"]], np.float32)
NAME = "object_detection"


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    inks.register(monkeypatch.setitem)


class _Fixed(Detector):
    """A detector that finds the boxes of its constructor."""

    def __init__(self, *boxes):
        self._boxes = list(boxes)

    def detect(self, image):
        return self._boxes

    def header(self):
        return {}

    def arrays(self):
        return {}


def _target(*boxes, **thresholds):
    return DetectedTarget(SPEC, "fixed", _Fixed(*boxes), thresholds)


def _image(width=100, height=50):
    return SizedImage(np.zeros((height, width, 3), np.uint8), (4 * width, 4 * height))


def _answer(target, spec=SPEC):
    return target.answer(spec, target.detect(_image()))


def _labels(answer):
    return [(r.value.label, r.value.candidate) for r in answer.regions]


def test_boxes_are_percent_of_the_image_and_cut_to_it():
    found = _target(Box("red", -10, 10, 50, 30, 0.9), Box("red", 200, 0, 210, 9)).detect(_image())
    (box,) = found
    assert (box.place, box.size, box.score) == ((0, 20, 50, 40), (400, 200), 0.9)


def test_a_box_below_its_threshold_is_a_candidate():
    boxes = (
        Box("red", 0, 0, 9, 9, 0.7),
        Box("blue", 20, 0, 29, 9, 0.7),
        Box("red", 0, 20, 9, 29, 0.01),
    )
    answer = _answer(_target(*boxes, red=0.5, blue=0.8))
    assert _labels(answer) == [("red", False), ("blue", True)]
    assert answer.score == 0.7
    assert answer.margin == pytest.approx(0.1 / 0.8)
    nothing = _answer(_target(*boxes, red=0.9, blue=0.9))
    assert nothing.score == pytest.approx(0.3)  # how sure it is that there is nothing
    assert _answer(_target()).score == 1.0


def test_the_label_config_has_the_last_word_on_thresholds_and_names():
    target = _target(Box("red", 0, 0, 9, 9, 0.7), Box("blue", 20, 0, 29, 9, 0.7), red=0.5, blue=0.5)
    attributes = (("", "model_score_threshold", "0.9"), ("red", "model_score_threshold", "0.6"))
    answer = _answer(target, replace(SPEC, attributes=attributes))
    assert _labels(answer) == [("red", False), ("blue", True)]
    only_red = replace(SPEC, labels=("red",))
    assert _labels(_answer(target, only_red)) == [("red", False)]
    named = replace(only_red, attributes=(("red", "predicted_values", "azure, blue"),))
    assert _labels(_answer(target, named)) == [("red", False), ("red", False)]


def test_a_threshold_below_the_least_score_counts_as_that():
    target = _target(Box("red", 0, 0, 9, 9, 0.06), Box("red", 20, 0, 29, 9, 0.04))
    least, less = (
        _answer(target, replace(SPEC, attributes=(("", "model_score_threshold", value),)))
        for value in ("0.05", "0.01")
    )
    assert _labels(least) == [("red", False)]
    assert less == least


def test_a_renamed_label_is_served_by_its_new_name():
    model = DetectionModel(SizedImages(), [_target(Box("red", 0, 0, 9, 9, 0.7), red=0.6)])
    (target,) = model.renamed({"box": {"red": "crimson"}}).targets
    assert target.spec.labels == ("crimson", "blue")
    assert _labels(_answer(target, target.spec)) == [("crimson", False)]


def _stored():
    detector = inks.InkDetector(["red", "blue"], COLOURS)
    target = DetectedTarget(SPEC, inks.NAME, detector, {"red": 0.4, "blue": 0.6})
    return DetectionModel(SizedImages(320), [target])


def _read(parts):
    return DetectionModel.from_parts(artifact.unpack(artifact.pack(NAME, parts), NAME))


def test_an_artifact_is_numbers_and_gives_the_same_boxes():
    model = _stored()
    again = _read(model.to_parts())
    assert again.input.max_side == 320
    assert again.targets[0].thresholds == {"red": 0.4, "blue": 0.6}
    assert again.targets[0].spec == SPEC
    image = SizedImage(squares.scene(1).image, (160, 120))
    found = model.targets[0].detect(image)
    assert found and again.targets[0].detect(image) == found


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("engine", "of another installation"),
        ("header", b'{"labels": ["red"]}'),  # other classes than its arrays have
        ("header", b"no JSON"),
        ("header", b"[]"),
        ("array_names", ["colours", "weights"]),
        ("array_names", ["weights"]),
        ("arrays", [{"array": np.zeros((7, 3), np.float32)}]),
        ("thresholds", np.zeros(1)),
    ],
)
def test_an_artifact_that_is_no_detector_is_refused(name, value):
    parts = _stored().to_parts()
    parts["targets"][0][name] = value
    with pytest.raises(ArtifactInvalid):
        _read(parts)


def test_a_version_says_which_engine_is_missing(monkeypatch):
    parts = _stored().to_parts()
    monkeypatch.setattr(inks.Inks, "reason", "the paint has dried.")
    with pytest.raises(ArtifactInvalid, match=r"engine inks cannot be used here: the paint"):
        _read(parts)


def test_auto_takes_the_best_engine_that_is_installed(monkeypatch):
    class Absent(inks.Inks):
        reason = "torch is not installed."

    lite, patches = Absent(), inks.Inks()
    found = {"yolo": inks.Inks(), "patches": patches, "lite": lite}
    monkeypatch.setattr(engines, "ENGINES", found)
    assert chosen_engine("auto") is patches
    monkeypatch.setattr(Absent, "reason", None)
    assert chosen_engine("auto") is lite
    assert chosen_engine("patches") is patches

    monkeypatch.setattr(Absent, "reason", "torch is not installed.")
    with pytest.raises(InvalidOption, match=r"lite cannot be used here: torch is not installed"):
        chosen_engine("lite")
    with pytest.raises(InvalidOption, match=r"no engine 'other'"):
        chosen_engine("other")
    # Never one that binds who serves its predictions.
    monkeypatch.setattr(engines, "ENGINES", {"yolo": inks.Inks(), "lite": lite})
    with pytest.raises(InvalidOption, match=r"No engine can be used here"):
        chosen_engine("auto")

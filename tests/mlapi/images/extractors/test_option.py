"""The project's option `features`, and why a value of it cannot be used here."""

import importlib.util

import pytest

from mlapi.domain import TrainingFailed
from mlapi.images.extractors.loading import check, extractor, extractor_for
from mlapi.images.features import ExtractorRef

without_vision = pytest.mark.skipif(
    importlib.util.find_spec("torch") is not None, reason="the vision extra is installed"
)


def test_opencv_can_be_used_everywhere_and_is_shared():
    assert check("opencv") is None
    assert extractor("opencv") is extractor("opencv")
    assert extractor("opencv").name == "opencv-1"


NAMELESS = [None, 5, ["opencv"], "", "OpenCV", "torch:resnet", "hf", "hf:", "hf: ", "hf:a b"]
NAMELESS += ["hf:a\nb", "hf:../a\0", "hf:é", "hf:-x", "hf:org/", "hf:" + "a" * 300]
NAMELESS += ["hf:/" + "a" * 2000]


@pytest.mark.parametrize("value", NAMELESS)
def test_a_value_that_names_nothing_is_invalid(value):
    found = check(value)

    assert found.code == "option_invalid"
    assert "opencv" in found.hint
    with pytest.raises(TrainingFailed) as failed:
        extractor(value)
    assert failed.value.code == "option_invalid"


@without_vision
@pytest.mark.parametrize(
    "value", ["hf:google/vit-base-patch16-224", "hf:resnet-18", "hf:/models/x"]
)
def test_without_the_extra_the_command_is_named(value):
    found = check(value)

    assert found.code == "vision_missing"
    assert "pip install -r requirements-vision.txt" in found.hint
    assert "torch" in found.message
    with pytest.raises(TrainingFailed) as failed:
        extractor(value)
    assert (failed.value.code, failed.value.hint) == ("vision_missing", found.hint)


def test_an_extractor_that_is_another_one_today_is_refused():
    today = extractor("opencv").name
    assert extractor_for(ExtractorRef("opencv", today)).name == today

    with pytest.raises(TrainingFailed) as failed:
        extractor_for(ExtractorRef("opencv", "opencv-0"))

    assert failed.value.code == "extractor_changed"
    assert f"{today} today, and were opencv-0" in failed.value.message

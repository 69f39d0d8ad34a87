"""Matching of controls to object detection, and the reasons of the others."""

import pytest

from mlapi import pipelines
from mlapi.labelstudio import label_config

IMAGE = '<Image name="img" value="$image"/>'
LABELS = '<Label value="cat" model_score_threshold="0.3"/><Label value="dog"/>'
BOX = '<RectangleLabels name="box" toName="img" {}>' + LABELS + "</RectangleLabels>"


def match(controls: str):
    return pipelines.match(label_config.parse(f"<View>{IMAGE}{controls}</View>"))


def test_rectangle_labels_and_labels_beside_a_rectangle_are_filled():
    two = (
        '<Rectangle name="shape" toName="img"/><Labels name="l" toName="img">'
        + LABELS
        + "</Labels>"
    )
    choices = '<Choices name="c" toName="img"><Choice value="a"/><Choice value="b"/></Choices>'
    found = match(BOX.format('smart="true" canRotate="false"') + two + choices)
    assert {t.name: (t.pipeline, t.kind) for t in found.targets} == {
        "box": ("object_detection", "boxes"),
        "l": ("object_detection", "boxes"),
        "c": ("image_classification", "choice"),
    }
    assert [u.control for u in found.unserved] == ["shape"]
    assert found.targets[0].attributes == (("cat", "model_score_threshold", "0.3"),)


def test_one_label_is_enough():
    one = '<RectangleLabels name="box" toName="img"><Label value="cat"/></RectangleLabels>'
    assert [t.labels for t in match(one).targets] == [("cat",)]


@pytest.mark.parametrize(
    ("control", "code"),
    [
        (BOX.format('model_skip="true"'), "model_skip"),
        (BOX.format('model_score_threshold="1.5"'), "threshold_invalid"),
        (BOX.format('model_score_threshold="high"'), "threshold_invalid"),
        ('<RectangleLabels name="box" toName="img"/>', "no_labels"),
        (BOX.replace('toName="img"', 'toName="text"').format(""), "object_missing"),
        ('<Labels name="box" toName="img">' + LABELS + "</Labels>", "control_not_served"),
        ('<BrushLabels name="box" toName="img">' + LABELS + "</BrushLabels>", "control_not_served"),
    ],
)
def test_a_control_that_is_not_filled_has_its_reason(control, code):
    assert {u.control: u.code for u in match(control).unserved} == {"box": code}


def test_thresholds_are_no_reason_to_train_again():
    with_one, without = match(BOX.format('model_score_threshold="0.4"')), match(BOX.format(""))
    assert pipelines.fingerprint(with_one) == pipelines.fingerprint(without)

"""The attributes of a label config that say how boxes are served.

They are named as in the YOLO example of Label Studio's own backends: `model_score_threshold` of a
control or of a label, `predicted_values` of a label, `model_skip` and `model_path` of a control.
"""

import math

from mlapi.domain import TargetSpec
from mlapi.labelstudio.label_config import Control
from mlapi.pipelines.object_detection import models_folder

THRESHOLD, VALUES, SKIP = "model_score_threshold", "predicted_values", "model_skip"
PATH = "model_path"


def of_control(control: Control) -> tuple[tuple[str, str, str], ...]:
    """The control's attributes and those of its labels, as a target has them."""
    tags = {"": control.attrs, **control.label_attrs}
    return tuple(
        (label, name, attrs[name])
        for label, attrs in tags.items()
        for name in (THRESHOLD, VALUES, PATH)
        if name in attrs
    )


def refusal(control: Control) -> str:
    """The code of why these attributes keep the control from being served; "" if none does."""
    if control.is_on(SKIP):
        return "model_skip"
    thresholds = (value for _, name, value in of_control(control) if name == THRESHOLD)
    if any(_number(value) is None for value in thresholds):
        return "threshold_invalid"
    path = control.attrs.get(PATH, "")
    return "model_path_invalid" if path and not models_folder.allows(path) else ""


def model_path(spec: TargetSpec) -> str:
    """The file of the operator's folder whose model fills the target; "" where it is trained."""
    return spec.attribute(PATH)


def threshold(spec: TargetSpec, label: str) -> float | None:
    """The least score with which a label is served, if the config says one: the label's first.

    Less than 0.05 counts as 0.05, below which no box is found.
    """
    found = (_number(spec.attribute(THRESHOLD, of)) for of in (label, ""))
    return next((number for number in found if number is not None), None)


def names(spec: TargetSpec) -> dict[str, str]:
    """By what a model calls an object the label that it is served with.

    Its own label where the config has that, else the one whose `predicted_values` name it.
    """
    listed = {
        value.strip(): label
        for label in reversed(spec.labels)
        for value in spec.attribute(VALUES, label).split(",")
    }
    return {**listed, **{label: label for label in spec.labels}}


def _number(text: str) -> float | None:
    try:
        found = float(text)
    except ValueError:
        return None
    return found if math.isfinite(found) and 0 <= found <= 1 else None

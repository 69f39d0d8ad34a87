"""The label types: what a label of a control is, from an annotation's regions to its metrics.

A file for each; `base` has the interface. Imports domain and the registry's plain modules, and
nothing of this package imports numpy at its top: label configs are matched without it. Imported
by whatever reads, compares or writes a label, so that nothing else knows its form.
"""

from typing import Any

from mlapi.domain import Prediction, TargetSpec
from mlapi.label_types.base import Control, LabelType
from mlapi.label_types.boxes import Boxes
from mlapi.label_types.choice import Choice
from mlapi.label_types.choices import Choices
from mlapi.label_types.taxonomy import Taxonomy, TaxonomyChoice
from mlapi.label_types.text import Text

LABEL_TYPES: dict[str, LabelType] = {
    t.name: t for t in (Choice(), Choices(), TaxonomyChoice(), Taxonomy(), Text(), Boxes())
}


def get(name: str) -> LabelType:
    """The label type of that name, which is a target's `kind`. Raises KeyError."""
    return LABEL_TYPES[name]


def of(target: TargetSpec | Prediction) -> LabelType:
    """The label type of a target or of a prediction for it."""
    return LABEL_TYPES[target.kind]


def shape_of(target: TargetSpec | Prediction) -> str:
    """The shape of the target's values, which tells what can be trained for it."""
    return of(target).shape


def with_shape(shape: str, tag: str) -> str | None:
    """The name of the label type with values of this shape for a control tag; None for none.

    For another tag that of the first with the shape. Artifacts and fingerprints have the shape.
    """
    alike = [t for t in LABEL_TYPES.values() if t.shape == shape]
    return next((t.name for t in alike if tag in t.tags), alike[0].name if alike else None)


def of_control(control: Control) -> LabelType | None:
    """The label type of what is written into a control; None for a control of another kind."""
    return next((t for t in LABEL_TYPES.values() if t.fits(control)), None)


def stored_classes(target: TargetSpec, stored: Any) -> list[str]:
    """The classes in a target's value as JSON; none in what is no value of its label type."""
    label_type = of(target)
    value = label_type.from_json(stored)
    return [] if value is None else label_type.classes(value)


def value_of(prediction: Prediction) -> Any:
    """The value that a prediction amounts to, as a human's would be; None for none."""
    return of(prediction).value(prediction.regions)


def classes_of(prediction: Prediction) -> list[str]:
    """The classes in a prediction."""
    value = value_of(prediction)
    return [] if value is None else of(prediction).classes(value)

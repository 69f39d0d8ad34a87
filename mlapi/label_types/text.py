"""Words that annotators write into a TextArea, as one label."""

from collections.abc import Mapping
from typing import Any

from mlapi.domain import TargetSpec
from mlapi.label_types import regions as of_regions
from mlapi.label_types.base import Control
from mlapi.label_types.choice import Choice


class Text(Choice):
    """A value is the text with its white space normalised; a control has no list of them."""

    name = "text"
    tags = ("TextArea",)

    def labels_in(self, value: Mapping[str, Any], target: TargetSpec) -> list[str]:
        return of_regions.text_labels(value)

    def region(self, label: str, control: Control) -> tuple[str, dict[str, Any]] | None:
        return ("textarea", {"text": [label]}) if control.tag == "TextArea" else None

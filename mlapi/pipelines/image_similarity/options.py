"""The options of image similarity."""

from collections.abc import Mapping
from typing import Any

from mlapi.pipelines.images.options import SHARED
from mlapi.pipelines.options import Option, is_name, whole

MOST_NEIGHBOURS = 1_000


def _is_label(value: Any) -> bool:
    if isinstance(value, dict):
        return set(value) == {"control", "label"} and all(map(is_name, value.values()))
    return value is None or is_name(value)


OPTIONS = {
    **SHARED,
    "similar_to": Option(
        None,
        _is_label,
        'label of Choices on Image, or {"control": ..., "label": ...}',
        of_control=True,
        title="Fill by similarity to",
        help="Images that are most like those with this label get it.",
        kind="label",
    ),
    "k": whole(
        10,
        1,
        MOST_NEIGHBOURS,
        of_control=True,
        title="Nearest images (k)",
        help="How many nearest images of a reference get its label.",
    ),
}


def similar_to(options: Mapping[str, Any]) -> tuple[str, str] | None:
    """Control ("" where it is not named) and label of the option; None where it is not set."""
    value = options.get("similar_to")
    if isinstance(value, dict) and _is_label(value):
        return value["control"], value["label"]
    return ("", value) if is_name(value) else None

"""Why controls of a label config cannot be filled, and how near each is to being served."""

from mlapi.domain import Unserved
from mlapi.labelstudio.label_config import Control, LabelConfig, ObjectTag

# Each at most 120 ASCII characters without anything of the caller's: they become reason phrases.
MESSAGES = {
    "control_not_served": "This control tag cannot be served. Add Choices on Text or Image",
    "per_region": "A control with perRegion cannot be served. Use one for the whole task",
    "per_item": "Choices with perItem cannot be served. Use Choices for the whole task",
    "nested": "Nested Choices cannot be served. Put every Choice directly under Choices",
    "dynamic": "Choices filled from task data cannot be served. List each Choice in the config",
    "several_objects": "Only texts are served several together. Name one object in toName",
    "object_missing": "Choices names no object with a value. Set toName to that of a Text or Image",
    "object_not_served": (
        "Choices is served on Text, HyperText, Paragraphs, Table, List, Chat and Image"
    ),
    "value_is_url": 'valueType="url" cannot be served. Put the text itself in the task',
    "field_unclear": (
        'The object shows no data of the task. Write value="$field" with a key of ASCII letters'
    ),
    "two_objects_needed": "Pairwise is on two objects. Name both in toName",
    "repeater": 'A Repeater cannot be served. Write a tag for each item, value="$items[0].text"',
    "region_needed": "What is shown beside a region only cannot be served. Take visibleWhen away",
    "parent_not_served": "Nothing that is served can show it. Correct visibleWhen, or take it away",
    "several_images": 'An Image with valueList cannot be served. Write value="$field"',
    "too_few_labels": "Choices has fewer than two labels. Add another Choice",
    "no_labels": "Choices has no labels. Add a Choice",
    "other_control": "The project's options name another control",
    "label_not_found": "The option similar_to names no label of Choices on Image",
    "control_not_found": "The option cluster names no TextArea, Choices or Taxonomy on Image",
    "model_skip": "model_skip keeps this control from being served. Take it away",
    "threshold_invalid": "model_score_threshold is no number from 0 to 1. Correct it",
    "model_path_invalid": "model_path names no .onnx and no .safetensors file of MODELS_DIR. "
    "Correct it",
    "option_needed": "On Image this control needs the project option cluster. Set it in our admin",
}
# An option names what the config does not have.
OPTION_WRONG = frozenset({"label_not_found", "control_not_found"})
# The further down, the nearer is a control to being served.
_FAR = ("control_not_served", "other_control", "object_not_served")


def unserved(control: Control, code: str) -> Unserved:
    """The control with the reason for the code."""
    return Unserved(control.name, code, MESSAGES[code])


def nearness(refused: Unserved) -> int:
    """How near a control is to being served, by the reason why it is not: higher is nearer."""
    return _FAR.index(refused.code) if refused.code in _FAR else len(_FAR)


def objects_of(control: Control, config: LabelConfig) -> tuple[ObjectTag, ...] | str:
    """The objects that a control is on, in order, or the code of why they cannot be read."""
    found = [config.objects.get(name) for name in control.to_name]
    objects = tuple(tag for tag in found if tag is not None)
    if control.repeated:
        return "repeater"
    return objects if objects and len(objects) == len(found) else "object_missing"


def refusal(control: Control, *, least: int = 2) -> str:
    """The code of why Choices cannot be filled; "" if they can. `least`: labels of a single one."""
    if control.repeated:
        return "repeater"
    if control.per_region:
        return "per_region"
    if control.region_only:
        return "region_needed"
    if control.per_item:
        return "per_item"
    if control.nested and control.tag == "Choices":
        return "nested"
    if control.dynamic:
        return "dynamic"
    if not control.labels:
        return "no_labels"
    few = not control.takes_several and len(control.labels) < least
    return "too_few_labels" if few else ""

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
    "several_objects": "Choices on several objects cannot be served. Name one object in toName",
    "object_missing": "Choices names no object with a value. Set toName to that of a Text or Image",
    "object_not_served": "Choices is served on Text, HyperText, Paragraphs and Image only",
    "value_is_url": 'valueType="url" cannot be served. Put the text itself in the task',
    "field_unclear": 'The object has no plain field. Write value="$field" with the key of the task',
    "several_images": 'An Image with valueList cannot be served. Write value="$field"',
    "too_few_labels": "Choices has fewer than two labels. Add another Choice",
    "no_labels": "Choices has no labels. Add a Choice",
    "other_control": "The project's options name another control",
    "other_pipeline": "A config is served by one pipeline. Another control of this one has another",
    "label_not_found": "The option similar_to names no label of Choices on Image",
    "control_not_found": "The option cluster names no TextArea, Choices or Taxonomy on Image",
    "option_needed": "On Image this control needs the project option cluster. Set it in our admin",
}
# The further down, the nearer is a control to being served.
_FAR = ("control_not_served", "other_control", "object_not_served")


def unserved(control: Control, code: str) -> Unserved:
    """The control with the reason for the code."""
    return Unserved(control.name, code, MESSAGES[code])


def nearness(refused: Unserved) -> int:
    """How near a control is to being served, by the reason why it is not: higher is nearer."""
    return _FAR.index(refused.code) if refused.code in _FAR else len(_FAR)


def the_object(control: Control, config: LabelConfig) -> ObjectTag | str:
    """The one object that a control is on, or the code of why there is not one."""
    if len(control.to_name) != 1:
        return "several_objects"
    return config.objects.get(control.to_name[0]) or "object_missing"


def refusal(control: Control, *, least: int = 2) -> str:
    """The code of why Choices cannot be filled; "" if they can. `least`: labels of a single one."""
    if control.per_region:
        return "per_region"
    if control.per_item:
        return "per_item"
    if control.nested:
        return "nested"
    if control.dynamic:
        return "dynamic"
    if not control.labels:
        return "no_labels"
    few = control.choice != "multiple" and len(control.labels) < least
    return "too_few_labels" if few else ""

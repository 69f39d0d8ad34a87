"""Which controls of a label config are Choices on a text, and why the others are not served."""

from typing import TYPE_CHECKING

from mlapi.pipelines.base import Match, TargetSpec, Unserved

if TYPE_CHECKING:
    from mlapi.labelstudio.label_config import Control, LabelConfig

TEXT_TAGS = ("Text", "HyperText", "Paragraphs")

# Each at most 120 ASCII characters without anything of the caller's: they become reason phrases.
MESSAGES = {
    "control_not_served": "This control tag cannot be served. Add Choices on Text",
    "per_region": "Choices with perRegion cannot be served. Use Choices for the whole text",
    "per_item": "Choices with perItem cannot be served. Use Choices for the whole text",
    "nested": "Nested Choices cannot be served. Put every Choice directly under Choices",
    "dynamic": "Choices filled from task data cannot be served. List each Choice in the config",
    "several_objects": "Choices on several objects cannot be served. Name one object in toName",
    "object_missing": "Choices names no object of the config. Set toName to the name of a Text",
    "object_not_text": "Choices is served on Text, HyperText and Paragraphs only",
    "value_is_url": 'valueType="url" cannot be served. Put the text itself in the task',
    "field_unclear": 'The text has no plain field. Write value="$field" with the key of the task',
    "too_few_labels": "Choices has fewer than two labels. Add another Choice",
    "no_labels": "Choices has no labels. Add a Choice",
}


def match(name: str, config: "LabelConfig") -> Match:
    """The targets for the pipeline `name`, and the reason for every other control."""
    targets, unserved = [], []
    for control in config.controls:
        code = _refusal(control, config)
        if code:
            unserved.append(Unserved(control.name, code, MESSAGES[code]))
        else:
            targets.append(_target(control, config))
    return Match(name, tuple(targets), tuple(unserved))


def _refusal(control: "Control", config: "LabelConfig") -> str:
    if control.tag != "Choices":
        return "control_not_served"
    if len(control.to_name) != 1:
        return "several_objects"
    return _object_refusal(control.to_name[0], config) or _choices_refusal(control)


def _object_refusal(name: str, config: "LabelConfig") -> str:
    text = config.objects.get(name)
    if text is None:
        return "object_missing"
    if text.tag not in TEXT_TAGS:
        return "object_not_text"
    if text.value_type == "url":
        return "value_is_url"
    return "" if text.field else "field_unclear"


def _choices_refusal(control: "Control") -> str:
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
    return "too_few_labels" if control.choice != "multiple" and len(control.labels) < 2 else ""


def _target(control: "Control", config: "LabelConfig") -> TargetSpec:
    text = config.objects[control.to_name[0]]
    return TargetSpec(
        name=control.name,
        object_name=text.name,
        object_tag=text.tag,
        field=text.field or "",
        kind="multiple" if control.choice == "multiple" else "single",
        labels=control.labels,
        text_key=text.attr("textKey") or "text",
        author_key=text.attr("nameKey") or "author",
    )

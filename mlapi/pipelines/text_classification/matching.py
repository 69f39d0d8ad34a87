"""Which controls of a label config are Choices on a text, and why the others are not served."""

from mlapi.domain import Match, TargetSpec
from mlapi.labelstudio.label_config import Control, LabelConfig, ObjectTag
from mlapi.pipelines import choices

TEXT_TAGS = ("Text", "HyperText", "Paragraphs")


def match(name: str, config: LabelConfig) -> Match:
    """The targets for the pipeline `name`, and the reason for every other control."""
    targets, unserved = [], []
    for control in config.controls:
        found = choices.the_object(control, config)
        code = _refusal(control, found)
        if code or isinstance(found, str):
            unserved.append(choices.unserved(control, code))
        else:
            targets.append(_target(control, found))
    return Match(name, tuple(targets), tuple(unserved))


def _refusal(control: Control, found: ObjectTag | str) -> str:
    if control.tag != "Choices":
        return "control_not_served"
    if isinstance(found, str):
        return found
    if found.tag not in TEXT_TAGS:
        return "object_not_served"
    if found.value_type == "url":
        return "value_is_url"
    return choices.refusal(control) if found.field else "field_unclear"


def _target(control: Control, text: ObjectTag) -> TargetSpec:
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

"""Which controls of a label config are on an image, and why they cannot be filled."""

from mlapi.domain import TargetSpec
from mlapi.labelstudio.label_config import Control, LabelConfig, ObjectTag
from mlapi.pipelines import choices


def image_of(control: Control, config: LabelConfig) -> ObjectTag | str:
    """The Image that the control is on, or the code of why it is on none that can be read."""
    found = choices.the_object(control, config)
    if isinstance(found, str):
        return found
    if found.tag != "Image":
        return "object_not_served"
    if found.attr("valueList"):
        return "several_images"
    return found if found.field else "field_unclear"


def target_of(control: Control, image: ObjectTag) -> TargetSpec:
    """The control as a target."""
    return TargetSpec(
        name=control.name,
        object_name=image.name,
        object_tag=image.tag,
        field=image.field or "",
        kind="multiple" if control.choice == "multiple" else "single",
        labels=control.labels,
        control_tag=control.tag,
    )

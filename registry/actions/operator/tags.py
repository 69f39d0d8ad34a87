"""Tags: words by which people find a version."""

from typing import Any

from registry.actions import versions
from registry.models import ModelVersion
from registry.models.version import TAG_MAX

from .action import Action, Button, Caller, Form, Result, Text, register

_MOST = 20


@register
class Tags(Action[ModelVersion]):
    """The version's tags are others; those before stay in the audit trail."""

    name = "tags"
    verb = "tag"
    title = "Tags"
    description = (
        "Words by which this version is found: in the list of versions, and in REST by `tag`."
    )
    permission = "registry.note_modelversion"
    subject = ModelVersion
    form = Form(
        "Tags",
        "The tags; empty takes all away.",
        (
            Text(
                "tags",
                f"With commas, {_MOST} at most.",
                may_be_empty=True,
                max_length=_MOST * (TAG_MAX + 2),
                initial=lambda version: ", ".join(version.tags),
            ),
        ),
    )
    button = Button(icon="sell", path="write_tags", place=31)

    def faults(self, values: dict[str, Any]) -> dict[str, str]:
        tags = parsed(values["tags"])
        if len(tags) > _MOST:
            return {"tags": f"More than {_MOST} tags."}
        if any(len(tag) > TAG_MAX for tag in tags):
            return {"tags": f"A tag is longer than {TAG_MAX} characters."}
        return {}

    def execute(self, subject: ModelVersion, values: dict[str, Any], caller: Caller) -> Result:
        entry = versions.tag(subject, parsed(values["tags"]), actor=caller.name)
        return Result("The tags are changed.", entry)


def parsed(text: str) -> list[str]:
    """The tags in a text with commas, each once."""
    words = (" ".join(part.split()) for part in text.split(","))
    return list(dict.fromkeys(word for word in words if word))

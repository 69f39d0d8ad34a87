"""Note: what people should know of a version."""

from typing import Any

from registry.actions import versions
from registry.models import ModelVersion

from .action import Action, Button, Caller, Form, Result, Text, register

_NOTE_MAX = 10_000  # characters


@register
class Note(Action[ModelVersion]):
    """The version's note is another; the one before stays in the audit trail."""

    name = "note"
    title = "Note"
    description = (
        "What people should know of this version. The one before stays in its audit entry."
    )
    permission = "registry.note_modelversion"
    subject = ModelVersion
    form = Form(
        "Note",
        "The note; empty takes it away.",
        (
            Text(
                "note",
                may_be_empty=True,
                max_length=_NOTE_MAX,
                lines=4,
                initial=lambda version: version.note,
            ),
        ),
    )
    button = Button(icon="edit_note", path="write_note", place=30)

    def execute(self, subject: ModelVersion, values: dict[str, Any], caller: Caller) -> Result:
        return Result(
            "The note is kept.", versions.note(subject, values["note"], actor=caller.name)
        )

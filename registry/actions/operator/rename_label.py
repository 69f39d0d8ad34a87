"""Rename a label: what was learned of a label is kept under the name that the config gave it."""

from typing import Any

from registry.actions import label_renames
from registry.errors import EvalsError, Refused
from registry.models import Project
from registry.reports.label_renames import RenameImpact, rename_impact

from .action import OPTIONAL_REASON, Action, Button, Caller, Change, Form, Result, Text, register


@register
class RenameLabel(Action[Project]):
    """The old label counts as the new one, in annotations and in what versions predict."""

    name = "rename_label"
    title = "Label renamed"
    description = (
        "Confirms that a label has another name in the label config: what annotations and versions "
        "say under the old one counts as the new one. Without it nothing changes."
    )
    permission = "registry.configure_project"
    subject = Project
    form = Form(
        "RenameLabel",
        "The rename as it is offered, such as `sentiment: good -> great`, and why.",
        (
            Text(
                "rename",
                "The label's old and new name.",
                initial=lambda project: _first(label_renames.offers(project)),
                choices=lambda project: [one.text for one in label_renames.offers(project)],
            ),
            *OPTIONAL_REASON.parameters,
        ),
    )
    button = Button(icon="label", variant="warning", place=90)

    def unavailable(self, subject: Project) -> EvalsError | None:
        if not label_renames.offers(subject):
            return Refused("No label may have been renamed.", hint=label_renames.NOT_OFFERED)
        return None

    def changes(self, subject: Project) -> list[Change]:
        uses = [rename_impact(subject, rename) for rename in label_renames.offers(subject)]
        return [change for one in uses for change in _changes(one)]

    def warning(self, subject: Project) -> str:
        return (
            "Versions, artifacts, metrics and outcomes stay as they were recorded, and no task "
            "changes its split. The next training learns from all tasks. Undo it any time."
        )

    def execute(self, subject: Project, values: dict[str, Any], caller: Caller) -> Result:
        text = values["rename"]
        entry = label_renames.rename(
            subject, text, actor=caller.name, reason=values.get("reason", "")
        )
        return Result(f"{text} is confirmed.", entry)


@register
class UndoRename(Action[Project]):
    """The old label counts as itself again."""

    name = "undo_rename"
    title = "Undo a rename"
    description = "The old label counts as itself again, and the champion predicts it as it did."
    permission = "registry.configure_project"
    subject = Project
    form = Form(
        "UndoRename",
        "The confirmed rename, such as `sentiment: good -> great`, and why.",
        (
            Text(
                "rename",
                "The label's old and new name.",
                initial=lambda project: _first(label_renames.confirmed(project)),
                choices=lambda project: [one.text for one in label_renames.confirmed(project)],
            ),
            *OPTIONAL_REASON.parameters,
        ),
    )
    button = Button(icon="label_off", place=91)

    def unavailable(self, subject: Project) -> EvalsError | None:
        if not subject.label_renames:
            return Refused("No renamed label was confirmed.")
        return None

    def changes(self, subject: Project) -> list[Change]:
        return [
            Change(f"{one.control}: {one.old}", f"counts as {one.new}", f"counts as {one.old}")
            for one in label_renames.confirmed(subject)
        ]

    def execute(self, subject: Project, values: dict[str, Any], caller: Caller) -> Result:
        text = values["rename"]
        entry = label_renames.undo(
            subject, text, actor=caller.name, reason=values.get("reason", "")
        )
        return Result(f"{text} is undone.", entry)


def _first(renames: list[Any]) -> str:
    return renames[0].text if renames else ""


def _changes(found: RenameImpact) -> list[Change]:
    """What one rename would change, and what it leaves as it is."""
    control, old, new = found.rename.control, found.rename.old, found.rename.new
    tasks = _count(found.tasks, "task")
    changes = [
        Change(f"Annotated as {old} ({control})", f"{tasks}, not counted", f"{tasks}, as {new}")
    ]
    if found.champion:
        what = f"{found.champion} predicts for {control}"
        changes.append(Change(what, f"{old}, which is dropped", new))
    recorded = f"{_count(found.versions, 'version')}, {_count(found.outcomes, 'outcome')}"
    what = f"Recorded as {old} ({control})"
    return [*changes, Change(what, recorded, f"the same, compared as {new}")]


def _count(n: int, noun: str) -> str:
    return f"{n:,} {noun}{'' if n == 1 else 's'}"

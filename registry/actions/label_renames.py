"""Actions on a project's labels: confirm that one was renamed in the label config, and undo it."""

from typing import Any

from django.db import transaction
from django.utils import timezone

from registry import queue
from registry.errors import Refused
from registry.label_renames import Rename, Renames, offered
from registry.models import AuditEntry, Project

from . import base

NOT_OFFERED = "A rename is offered when the label config takes a label away and brings another."


def offers(project: Project) -> list[Rename]:
    """The renames that the label config's changes may be, and that nobody has confirmed."""
    return offered(project.label_changes, project.label_renames)


def confirmed(project: Project) -> list[Rename]:
    """The confirmed renames, the last first."""
    return Renames(project.label_renames).all[::-1]


def find(renames: list[Rename], text: str) -> Rename | None:
    """The rename that people choose by this text."""
    return next((rename for rename in renames if rename.text == text), None)


@transaction.atomic
def rename(project: Project, text: str, *, actor: str, reason: str = "") -> AuditEntry:
    """Let the old label count as the new one: in labels, predictions and comparisons.

    What is stored of annotations, versions, metrics and outcomes stays. Raises Refused.
    """
    current = base.lock(project)
    chosen = find(offers(current), text)
    if chosen is None:
        raise Refused(f"{text!r} is not offered.", hint=NOT_OFFERED)
    new = Rename(chosen.control, chosen.old, chosen.new, timezone.now().isoformat())
    _store(project, [*current.label_renames, new.to_dict()])
    return _record("rename_label", current, new, actor, reason)


@transaction.atomic
def undo(project: Project, text: str, *, actor: str, reason: str = "") -> AuditEntry:
    """Let the old label count as itself again. Raises Refused."""
    current = base.lock(project)
    chosen = find(confirmed(current), text)
    if chosen is None:
        raise Refused(f"{text!r} was not confirmed.")
    left = list(current.label_renames)
    left.reverse()
    left.remove(chosen.to_dict())
    left.reverse()
    _store(project, left)
    return _record("undo_rename", current, chosen, actor, reason)


def mark_relabelled(project: Project) -> None:
    """Record that all labels were derived by the renames that the instance has."""
    queued_at = project.relabel_queued_at
    rows = Project.objects.filter(pk=project.pk, relabel_queued_at=queued_at)
    if rows.update(relabel_queued_at=None):
        project.relabel_queued_at = None


def _store(project: Project, renames: list[dict[str, Any]]) -> None:
    now = timezone.now()
    fields = {"label_renames": renames, "relabel_queued_at": now, "updated_at": now}
    base.update_row(project, fields)
    queue.process_events(project.pk)  # which derives the labels of all tasks anew


def _record(verb: str, project: Project, renamed: Rename, actor: str, reason: str) -> AuditEntry:
    numbers = {"control": renamed.control, "from": renamed.old, "to": renamed.new}
    return base.record(verb, actor=actor, project=project, reason=reason, numbers=numbers)

"""The dialogs of a version's acts: each asks for a reason and shows what will change."""

from typing import Any

from django import forms
from django.contrib.admin.utils import unquote
from django.http import HttpRequest
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminTextareaWidget

from registry.acts.champion import previous_champion
from registry.models import Metric, ModelVersion
from registry.reports.metric_names import title
from registry.reports.numbers import on_the_same_tasks, three

from .base import ReasonForm


def _version(object_id: Any) -> ModelVersion | None:
    """The dialog's version; None for what cannot be an id, which the act itself refuses."""
    number = unquote(str(object_id))
    if not number.isdecimal():
        return None
    found = ModelVersion.objects.select_related("project__champion", "run")
    return found.defer("run__log", "run__statements").filter(pk=number).first()


class VersionReasonForm(ReasonForm):
    """Asks why, below the rows of `changes`: what is now, and what it will be."""

    form_before_template = "registry/dialogs/changes.html"

    def get_before_template_context(
        self, request: HttpRequest, object_id: int | str | None = None
    ) -> dict[str, Any]:
        version = _version(object_id)
        return {"changes": self.changes(version) if version else [], "note": self.warning(version)}

    def changes(self, version: ModelVersion) -> list[tuple[str, str, str]]:
        """(what, now, then)."""
        return []

    def warning(self, version: ModelVersion | None) -> str:
        """What to know before doing it."""
        return ""


class PromoteForm(VersionReasonForm):
    """The pointer moves here."""

    def changes(self, version: ModelVersion) -> list[tuple[str, str, str]]:
        return _moves(version.project.champion, version)

    def warning(self, version: ModelVersion | None) -> str:
        return _compared(version) if version else ""


class RollBackForm(VersionReasonForm):
    """The pointer moves to the champion before."""

    def changes(self, version: ModelVersion) -> list[tuple[str, str, str]]:
        goal = previous_champion(version.project)
        return _moves(version.project.champion, goal) if goal else []


class ArchiveForm(VersionReasonForm):
    """The version is out of the running."""

    def changes(self, version: ModelVersion) -> list[tuple[str, str, str]]:
        return [("State of " + version.label, "kept", "archived")]

    def warning(self, version: ModelVersion | None) -> str:
        return "It is not deleted: its numbers, its acts and its artifact stay."


class NoteForm(BaseDialogForm):
    """What a human has to say of a version."""

    note = forms.CharField(
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}), required=False, max_length=10_000
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        version = _version(self.object_id)
        self.fields["note"].initial = version.note if version else ""


def _moves(now: ModelVersion | None, then: ModelVersion) -> list[tuple[str, str, str]]:
    """What Label Studio's users get, before and after."""
    by = {v.pk: title(v.primary_metric) for v in (now, then) if v}
    primary = {
        m.version_id: f"{by[m.version_id]} {three(m.value)} (n = {m.n})"
        for m in Metric.objects.filter(version__in=by, target="", name="primary", split="holdout")
    }
    before = now.label if now else "none: no predictions"
    return [
        ("Champion", before, then.label),
        (
            "Primary metric, each on its own holdout",
            primary.get(now.pk, "not judged") if now else "–",
            primary.get(then.pk, "not judged"),
        ),
    ]


def _compared(version: ModelVersion) -> str:
    """How it did beside today's champion on the same holdout, if its run compared them."""
    champion = version.project.champion
    if champion is None or version.run is None:
        return ""
    return on_the_same_tasks(version.run.comparison, champion.label)

"""Versions in the admin: what each learned, how good it is, and the acts on it."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from unfold.admin import TabularInline
from unfold.decorators import display
from unfold.enums import ActionVariant
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminTextareaWidget

from registry.accuracy import Standing, standings
from registry.acts import champion, versions
from registry.models import Act, Metric, ModelVersion, Outcome, Project, Target

from .base import act, as_json, link, list_link
from .filters import PROJECT, VERSION
from .long_lists import LongListAdmin, of_project, of_version


def _labelled(word: str) -> Q:
    return Q(label__startswith=word)


def _champions() -> list[int]:
    """As numbers: a join would read every version."""
    champions = Project.objects.filter(champion__isnull=False).order_by("pk")
    return list(champions.values_list("champion", flat=True))


class NoteForm(BaseDialogForm):
    """What a human has to say of a version."""

    note = forms.CharField(
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}), required=False, max_length=10_000
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        stored = ModelVersion.objects.filter(pk=self.object_id).values_list("note", flat=True)
        self.fields["note"].initial = stored.first()


class StateFilter(admin.SimpleListFilter):
    """Champions, archived ones, those that did not load, and the rest."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("champion", "Champion"),
            ("kept", "Not archived"),
            ("archived", "Archived"),
            ("load_failed", "Did not load"),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        conditions = {
            "champion": Q(pk__in=_champions()),
            "kept": Q(archived_at__isnull=True),
            "archived": Q(archived_at__isnull=False),
            "load_failed": Q(load_failed_at__isnull=False),
        }
        condition = conditions.get(self.value() or "")
        return queryset.filter(condition) if condition else queryset


class _ReadOnlyInline(TabularInline):
    extra = 0
    tab = True
    can_delete = False
    show_change_link = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class TargetInline(_ReadOnlyInline):
    model = Target
    fields = ["name", "object_tag", "field", "kind", "labels", "trained", "untrained_reason"]


class MetricInline(_ReadOnlyInline):
    model = Metric
    fields = ["target", "name", "label", "step", "value", "n", "split"]
    ordering = ["target", "label", "name", "step"]
    per_page = 100


@admin.register(ModelVersion)
class ModelVersionAdmin(LongListAdmin):
    """An immutable version of a project's model."""

    list_display = ["label", "project", "state", "primary", "recipe", "created_at"]
    list_filter = [PROJECT, StateFilter]
    list_select_related = ["project"]
    search_help_text = "By label (v7-3fa2c1, or how it begins) or project"
    finds = [_labelled, of_project]
    inlines = [TargetInline, MetricInline]
    actions_detail = [
        "promote",
        "write_note",
        {"title": "More", "items": ["archive", "unarchive", "clear_load_failure"]},
    ]
    fieldsets = [
        (None, {"fields": ["label", "project_link", "state", "primary", "note", "history"]}),
        ("Beside the humans who labelled after it", {"fields": ["prequential", "shown"]}),
        (
            "Lineage",
            {
                "fields": [
                    "run_link",
                    "created_at",
                    "pipeline",
                    "recipe",
                    "fingerprint",
                    "artifact",
                    "artifact_size",
                    "artifact_sha256",
                    "packages",
                ]
            },
        ),
        ("Loading", {"classes": ["collapse"], "fields": ["load_failed_at", "load_error"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        primary = Metric.objects.filter(
            version=OuterRef("pk"), target="", name="primary", split="holdout"
        )
        return (
            super()
            .get_queryset(request)
            .select_related("project", "run")
            .annotate(
                primary_value=Subquery(primary.values("value")[:1]),
                primary_n=Subquery(primary.values("n")[:1]),
            )
        )

    @act(
        "Promote",
        name="promote",
        description="This version serves from now on, and Label Studio asks for its predictions.",
        variant=ActionVariant.PRIMARY,
        icon="rocket_launch",
    )
    def promote(self, request: HttpRequest, version: ModelVersion, given: dict[str, Any]) -> str:
        champion.promote(version, actor=request.user.get_username(), reason=given["reason"])
        return f"{version.label} is the champion of {version.project}."

    @act(
        "Archive",
        name="archive",
        description="Nothing will promote or fall back to it.",
        icon="archive",
    )
    def archive(self, request: HttpRequest, version: ModelVersion, given: dict[str, Any]) -> str:
        versions.archive(version, actor=request.user.get_username(), reason=given["reason"])
        return f"{version.label} is archived."

    @act(
        "Unarchive",
        name="unarchive",
        description="It may be promoted again.",
        icon="unarchive",
    )
    def unarchive(self, request: HttpRequest, version: ModelVersion, given: dict[str, Any]) -> str:
        versions.unarchive(version, actor=request.user.get_username(), reason=given["reason"])
        return f"{version.label} is out of the archive."

    @act(
        "Note",
        name="note",
        description="The note before stays among the acts.",
        form=NoteForm,
        icon="edit_note",
    )
    def write_note(self, request: HttpRequest, version: ModelVersion, given: dict[str, Any]) -> str:
        versions.note(version, given["note"], actor=request.user.get_username())
        return "The note is kept."

    @act(
        "Clear the failed load",
        name="clear_load_failure",
        description="Checks that the artifact is back as it was put; it may then serve again.",
        icon="healing",
    )
    def clear_load_failure(
        self, request: HttpRequest, version: ModelVersion, given: dict[str, Any]
    ) -> str:
        versions.clear_load_failure(
            version, actor=request.user.get_username(), reason=given["reason"]
        )
        return f"{version.label} may serve again."

    @display(
        description="State",
        label={"champion": "success", "did not load": "danger", "archived": "warning"},
    )
    def state(self, version: ModelVersion) -> str:
        if version.project.champion_id == version.pk:
            return "champion"
        if version.load_failed_at:
            return "did not load"
        return "archived" if version.archived_at else "kept"

    @display(description="Primary metric", ordering="primary_value")
    def primary(self, version: ModelVersion) -> str:
        value, n = getattr(version, "primary_value", None), getattr(version, "primary_n", 0)
        return "not judged" if value is None else f"{value:.3f} (n = {n})"

    @display(description="Asked before the human")
    def prequential(self, version: ModelVersion) -> str:
        return _standings(version, Outcome.Source.PREQUENTIAL)

    @display(description="Pre-annotations accepted")
    def shown(self, version: ModelVersion) -> str:
        return _standings(version, Outcome.Source.SHOWN)

    @display(description="Project")
    def project_link(self, version: ModelVersion) -> str:
        return link(version.project)

    @display(description="Run")
    def run_link(self, version: ModelVersion) -> str:
        return link(version.run)

    @display(description="Artifact size")
    def artifact_size(self, version: ModelVersion) -> str:
        return f"{filesizeformat(version.artifact_bytes)} ({version.artifact_bytes:,} bytes)"

    @display(description="Packages")
    def packages(self, version: ModelVersion) -> str:
        return as_json(version.environment)

    @display(description="History")
    def history(self, version: ModelVersion) -> str:
        return list_link(Act, "Acts", version__id__exact=version.pk) + list_link(
            Outcome, " · Outcomes", version__id__exact=version.pk
        )


def _standings(version: ModelVersion, source: str) -> str:
    by_target = standings(version, source).items()
    return "; ".join(f"{target}: {_in_words(s)}" for target, s in by_target) or "–"


def _in_words(standing: Standing) -> str:
    """The share with its interval and n; of too few only how many there are."""
    if standing.share is None or standing.interval is None:
        return f"too few to tell (n = {standing.n})"
    low, high = standing.interval
    return f"{standing.share:.3f} ({low:.3f} to {high:.3f}, n = {standing.n})"


@admin.register(Target)
class TargetAdmin(LongListAdmin):
    """A control tag that a version learned to fill."""

    list_display = ["name", "version", "object_tag", "field", "kind", "trained"]
    list_filter = [VERSION]
    list_select_related = ["version"]
    search_help_text = "By version, as v7-3fa2c1"
    finds = [of_version]
    fields = [
        "version",
        "name",
        "object_name",
        "object_tag",
        "field",
        "kind",
        "labels",
        "trained",
        "untrained_reason",
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("version")

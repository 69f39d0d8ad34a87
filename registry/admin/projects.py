"""Projects in the admin: settings, label config and connection to Label Studio."""

from collections.abc import Iterator
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.text import capfirst
from unfold.decorators import display

from registry.actions.operator.configure import Configure
from registry.errors import EvalsError
from registry.formatting import unreadable_tasks_text
from registry.models import AuditEntry, Event, ModelVersion, Project, Task, TrainingRun
from registry.models.pipeline_names import has_pipeline, names
from registry.models.project import default_policy
from registry.reports.auto_accept import auto_accept
from registry.reports.drift import drift

from . import option_form
from .access_keys import connect_view
from .action_buttons import caller
from .annotators import annotators_page
from .archive_gone import archive_gone
from .markup import as_json, as_text
from .navigation import anchor, link, list_link, page_url
from .project_form import ProjectForm, policy_sentence, project_form
from .project_page import overview
from .registry_admin import RegistryAdmin, is_list, once
from .suspect_labels import suspect_labels_page

_UNSERVED = "none"
_OVERVIEW, _LEARNING, _LABEL_STUDIO = "overview", "learning", "labelstudio"
_TABS = {_OVERVIEW: "Overview", _LEARNING: "Learning", _LABEL_STUDIO: "Label Studio"}
_FIELDSETS: dict[str, Any] = {
    _OVERVIEW: [(None, {"fields": ["served_by", "history"]})],
    _LABEL_STUDIO: [
        (
            "Connection",
            {
                "fields": [
                    "in_label_studio",
                    "connection_report",
                    "connection_checked_at",
                    "unreadable",
                    "credentials",
                    "hostname",
                    "other_hostname",
                    "hostname_confirmed",
                    "backend_url",
                    "extra_params",
                    "uid",
                ]
            },
        ),
        (
            "Mirror",
            {
                "fields": [
                    *("synced_at", "sync_cursor_at", "data_outdated"),
                    *("labels_changed_at", "created_at"),
                ],
            },
        ),
        ("Label config", {"fields": ["config", "fingerprint"]}),
    ],
}
# Of the champion's run, for nothing on the page.
_LONG = ("log", "statements", "candidates", "comparison", "parameters", "phases")
_SETTINGS = [*default_policy(), "promotion_rule", "error_budget"]
_EDITABLE = [*_SETTINGS, "reason"]


class PipelineFilter(admin.SimpleListFilter):
    """By one of the pipelines that serve a project."""

    title = "pipeline"
    parameter_name = "pipeline"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        texts = Project.objects.order_by("pipeline").values_list("pipeline", flat=True).distinct()
        return [*((name, name) for name in names(texts)), (_UNSERVED, "None")]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        value = self.value()
        if value == _UNSERVED:
            return queryset.filter(pipeline="")
        return queryset.filter(has_pipeline(value)) if value else queryset


class ArchivedFilter(admin.SimpleListFilter):
    """Those in the archive, or all; without it those that are not in it."""

    title = "archive"
    parameter_name = "archived"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("no", "Not archived"), ("yes", "Archived"), ("all", "All")]

    def choices(self, changelist: Any) -> Iterator[Any]:
        first, *rest = super().choices(changelist)
        rest[0]["selected"] = self.value() in (None, "no")
        yield from rest

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() == "all":
            return queryset
        return queryset.filter(archived_at__isnull=self.value() != "yes")


def _tab(request: HttpRequest) -> str:
    """The tab that a request opens; a POST is always the form of *Learning*."""
    if request.method == "POST":
        return _LEARNING
    tab = request.GET.get("tab", "")
    return tab if tab in _TABS else _OVERVIEW


def _option_fieldsets(project: Project) -> list[Any]:
    """A section with the options of the project, and one for each control that has its own."""
    by_control: dict[str, list[str]] = {}
    for name, field in option_form.fields(project).items():
        by_control.setdefault(field.control, []).append(name)
    return [
        (f"Options of {control}" if control else "Options", {"fields": names})
        for control, names in by_control.items()
    ]


@admin.register(Project)
class ProjectAdmin(RegistryAdmin):
    """One Label Studio project."""

    form = ProjectForm
    list_display = ["named", "served_by", "champion_link", "promotion_rule", "connected"]
    list_filter = [ArchivedFilter, PipelineFilter, "promotion_rule"]
    list_select_related = ["champion"]
    search_fields = ["title", "uid", "hostname"]
    autocomplete_fields: list[str] = []
    change_form_outer_before_template = "admin/registry/project/overview.html"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.connect_view)
        gone = self.admin_site.admin_view(self.archive_gone_view)
        suspect = self.admin_site.admin_view(self.suspect_labels_view)
        annotators = self.admin_site.admin_view(self.annotators_view)
        return [
            path("archive-gone/", gone, name="registry_project_archive_gone"),
            path("<path:object_id>/connect/", view, name="registry_project_connect"),
            path(
                "<path:object_id>/suspect_labels/", suspect, name="registry_project_suspect_labels"
            ),
            path("<path:object_id>/annotators/", annotators, name="registry_project_annotators"),
            *super().get_urls(),
        ]

    def annotators_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The page of how annotators agree."""
        return annotators_page(self, request, object_id)

    def suspect_labels_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The page of the labels that look wrong."""
        return suspect_labels_page(self, request, object_id)

    def archive_gone_view(self, request: HttpRequest) -> HttpResponse:
        """The page that archives all projects that are gone from Label Studio."""
        return archive_gone(self, request)

    def connect_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The page with the URL to paste into Label Studio."""
        return connect_view(self, request, object_id)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        project = self.get_object(request, object_id) if object_id else None
        context = dict(extra_context or {})
        if project is not None and self.has_view_permission(request, project):
            tab = _tab(request)
            context |= {"tab": tab, "tabs": _TABS, "project": project}
            if tab == _OVERVIEW:
                context |= overview(request.user, project)
        return super().changeform_view(request, object_id, form_url, context)

    def response_change(self, request: HttpRequest, obj: Project) -> HttpResponse:
        super().response_change(request, obj)  # for its message
        return redirect(f"{page_url(obj)}?tab={_LEARNING}")

    def has_change_permission(self, request: HttpRequest, obj: Project | None = None) -> bool:
        return Configure().allowed(request.user)

    def get_queryset(self, request: HttpRequest) -> Any:
        queryset = super().get_queryset(request)
        if is_list(request):
            return queryset
        unread = (f"champion__run__{name}" for name in _LONG)
        return queryset.select_related("champion__run").defer(*unread)

    def get_readonly_fields(self, request: HttpRequest, obj: Project | None = None) -> list[str]:
        shown = [f for _, options in self.get_fieldsets(request, obj) for f in options["fields"]]
        editable = [*_EDITABLE, *(option_form.fields(obj) if obj else ())]
        return [f for f in shown if not self._edits(request) or f not in editable]

    def get_fieldsets(self, request: HttpRequest, obj: Project | None = None) -> Any:
        tab = _tab(request)
        if tab != _LEARNING:
            return _FIELDSETS[tab]
        if obj is None or not self._edits(request):
            shown = ["policy_text", "options_json", "promotion_rule", "error_budget"]
            return [("Training", {"fields": [*shown, "acceptable_unseen", "drift"]})]
        fields = [*_SETTINGS, "acceptable_unseen", "drift", "reason"]
        return [("Training", {"fields": fields}), *_option_fieldsets(obj)]

    def get_form(
        self, request: HttpRequest, obj: Project | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        if obj is not None and self._edits(request):
            kwargs["form"] = project_form(obj)
        return super().get_form(request, obj, change, **kwargs)

    def _edits(self, request: HttpRequest) -> bool:
        return self.has_change_permission(request)

    def save_model(self, request: HttpRequest, obj: Project, form: Any, change: bool) -> None:
        names = ("policy", "options", "promotion_rule", "error_budget", "reason")
        settings = {name: form.cleaned_data[name] for name in names}
        try:
            Configure().execute(obj, settings, caller(request))
        except EvalsError as error:
            messages.error(request, error.sentence)

    @display(description="Project", ordering="title")
    def named(self, project: Project) -> str:
        return format_html('{} <small class="place">{}</small>', project.name, project.place)

    @display(description="Acceptable unseen")
    @once
    def acceptable_unseen(self, project: Project) -> str:
        return capfirst(auto_accept(project).sentence)

    @display(description="Drift")
    @once
    def drift(self, project: Project) -> str:
        found = drift(project)
        if found is None:
            return "Unknown: there are too few new tasks."
        return f"{'New tasks differ' if found.is_found else 'None found'}. {found.sentence}"

    @display(description="In Label Studio")
    def in_label_studio(self, project: Project) -> str:
        if not project.page:
            return project.place
        return format_html('<a href="{}" rel="noreferrer">{} ↗</a>', project.page, project.place)

    @display(description="Served by", ordering="pipeline")
    def served_by(self, project: Project) -> str:
        return project.pipeline or f"none: {project.unserved_reason or 'no label config yet'}"

    @display(description="Champion")
    def champion_link(self, project: Project) -> str:
        return link(project.champion)

    @display(description="Label Studio", label={"reached": "success", "not reached": "danger"})
    def connected(self, project: Project) -> str:
        if not project.connection:
            return "not checked"
        return "reached" if project.connection.get("ok") else "not reached"

    @display(description="Last check")
    def connection_report(self, project: Project) -> str:
        steps = project.connection.get("steps") or []
        if not steps:
            return "Not checked yet."
        rows = [
            (
                "✓" if step.get("ok") else "✗",
                step.get("step", ""),
                step.get("detail") or "",
                step.get("cure") or "",
            )
            for step in steps
        ]
        return format_html(
            "<ul>{}</ul>", format_html_join("", "<li>{} <b>{}</b> {} <i>{}</i></li>", rows)
        )

    @display(description="Tasks that cannot be read")
    def unreadable(self, project: Project) -> str:
        return unreadable_tasks_text(project.unreadable_tasks) or "none"

    @display(description="Credentials")
    def credentials(self, project: Project) -> str:
        if project.labelstudio_url:
            return f"its own, for {project.labelstudio_url}"
        return "none of its own: uses those of the environment or of the setup"

    @display(description="History")
    def history(self, project: Project) -> str:
        lists = [
            (ModelVersion, "Versions"),
            (TrainingRun, "Runs"),
            (Task, "Tasks"),
            (Event, "Events"),
            (AuditEntry, "Audit entries"),
        ]
        links = [(list_link(m, text, project__id__exact=project.pk),) for m, text in lists]
        many = reverse("admin:registry_modelversion_compare_many")
        links.append((anchor(f"{many}?project={project.pk}", "Compare versions"),))
        pages = {"suspect_labels": "Labels that look wrong", "annotators": "Annotators"}
        for page, title in pages.items():
            url = reverse(f"admin:registry_project_{page}", args=[project.pk])
            links.append((anchor(url, title),))
        return format_html_join(" · ", "{}", links)

    @display(description="Trains")
    def policy_text(self, project: Project) -> str:
        return policy_sentence(project.policy)

    @display(description="Options")
    def options_json(self, project: Project) -> str:
        return as_json(project.options)

    @display(description="Label config")
    def config(self, project: Project) -> str:
        return as_text(project.label_config)

    @display(description="Extra parameters")
    def extra_params(self, project: Project) -> str:
        return as_json(project.extra_params)

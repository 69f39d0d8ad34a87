"""Versions in the admin, with their targets and metrics."""

from collections.abc import Callable, Sequence
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from unfold.decorators import display

from registry.api.downloads import download, export_response
from registry.errors import EvalsError
from registry.formatting import primary_metric
from registry.models import Metric, ModelVersion, Project, Target
from registry.permissions import may_view
from registry.reports import shown_models

from . import compare_many_page, compare_page, version_page
from .markup import version_badge
from .navigation import page_url
from .registry_admin import (
    PROJECT,
    VERSION,
    LongListAdmin,
    TemplatePage,
    is_list,
    of_project,
    of_version,
)


def _labelled(word: str) -> Q:
    return Q(label__startswith=word)


def _tagged(word: str) -> Q:
    return Q(tags__contains=[word])


def _champions() -> list[int]:
    """The champions' ids, in a separate query: a join would read every version."""
    champions = Project.objects.filter(champion__isnull=False).order_by("pk")
    return list(champions.values_list("champion", flat=True))


class StateFilter(admin.SimpleListFilter):
    """By state: champion, not archived, archived, load failed."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("champion", "Champion"),
            ("not_archived", "Not archived"),
            ("archived", "Archived"),
            ("load_failed", "Load failed"),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        conditions = {
            "champion": Q(pk__in=_champions()),
            "not_archived": Q(archived_at__isnull=True),
            "archived": Q(archived_at__isnull=False),
            "load_failed": Q(load_failed_at__isnull=False),
        }
        condition = conditions.get(self.value() or "")
        return queryset.filter(condition) if condition else queryset


@admin.register(ModelVersion)
class ModelVersionAdmin(TemplatePage, LongListAdmin):
    """An immutable version of a project's model."""

    list_display = ["label", "project", "state", "primary", "recipe", "tagged", "created_at"]
    list_filter = [PROJECT, StateFilter]
    list_select_related = ["project"]
    search_help_text = "By label (v7-3fa2c1, or its beginning), tag or project"
    finds = [_labelled, _tagged, of_project]

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        queryset = super().get_queryset(request).select_related("project")
        if not is_list(request):
            return queryset.select_related("run").defer("run__log")
        return queryset

    @display(description="State")
    def state(self, version: ModelVersion) -> str:
        return version_badge(version)

    @display(description="Primary metric", ordering="primary_value")
    def primary(self, version: ModelVersion) -> str:
        return primary_metric(version)

    @display(description="Tags")
    def tagged(self, version: ModelVersion) -> str:
        return ", ".join(version.tags)

    # The page of one version, its comparison and download

    def page(self, request: HttpRequest, version: ModelVersion) -> dict[str, Any]:
        return version_page.context(request.user, version, request.GET)

    def get_custom_urls(self) -> tuple[tuple[str, str, Any], ...]:
        return (
            ("compare/", "registry_modelversion_compare", self.compare),
            ("compare-many/", "registry_modelversion_compare_many", self.compare_many),
            ("<int:version_id>/download/", "registry_modelversion_download", self.download),
            ("<int:version_id>/export/", "registry_modelversion_export", self.export),
        )

    def compare(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """GET ?a=&b=: two versions of a project side by side."""
        if not may_view(request.user, ModelVersion, *shown_models.COMPARISON):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            **compare_page.context(request.GET),
        }
        return TemplateResponse(request, "admin/registry/modelversion/compare.html", context)

    def compare_many(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """GET ?project=&v=&v=: the ticked versions of a project in one table."""
        if not (self.has_view_permission(request) and may_view(request.user, Metric)):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            **compare_many_page.context(request.user, request.GET),
        }
        template = "admin/registry/modelversion/compare_many.html"
        return TemplateResponse(request, template, context)

    def download(self, request: HttpRequest, version_id: int, **kwargs: Any) -> HttpResponseBase:
        """GET: the artifact, verified before the first byte."""
        return self._file(request, version_id, download, ())

    def export(self, request: HttpRequest, version_id: int, **kwargs: Any) -> HttpResponseBase:
        """GET: the version as a folder that predicts without this backend, in a zip."""
        return self._file(request, version_id, export_response, shown_models.EXPORT)

    def _file(
        self,
        request: HttpRequest,
        version_id: int,
        answer: Callable[[HttpRequest, ModelVersion], HttpResponseBase],
        shown: Sequence[type[Model]],
    ) -> HttpResponseBase:
        """The file of a version; where there is none its page, which says why.

        `shown` are the models beside the version of which the file has rows.
        """
        if not may_view(request.user, ModelVersion, *shown):
            raise PermissionDenied
        version = get_object_or_404(ModelVersion, pk=version_id)
        try:
            return answer(request, version)
        except EvalsError as error:
            messages.error(request, error.sentence)
            return redirect(page_url(version))


@admin.register(Target)
class TargetAdmin(LongListAdmin):
    """A control tag that a version was trained for."""

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
        "pipeline",
        "labels",
        "trained",
        "untrained_reason",
        "decision",
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("version")


@admin.register(Metric)
class MetricAdmin(LongListAdmin):
    """A metric of a version, with its number of examples."""

    list_display = ["name", "value", "n", "version", "target", "label", "step", "split"]
    list_filter = [VERSION]
    list_select_related = ["version"]
    search_help_text = "By version, as v7-3fa2c1"
    finds = [of_version]
    fields = ["version", "target", "name", "split", "label", "step", "value", "n"]

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("version")

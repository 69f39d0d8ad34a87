"""Training runs in the admin: trigger, progress and outcome."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.html import format_html
from unfold.decorators import display

from registry.models import TrainingRun

from . import run_page
from .navigation import link
from .registry_admin import PROJECT, LongListAdmin, TemplatePage, is_list, of_project

STATE_COLOURS = {
    "Queued": "info",
    "Running": "info",
    "Succeeded": "success",
    "Failed": "danger",
    "Cancelled": "warning",
}


def _of_error(word: str) -> Q:
    return Q(error_code=word)


@admin.register(TrainingRun)
class TrainingRunAdmin(TemplatePage, LongListAdmin):
    """One attempt to train a version."""

    list_display = [
        "id",
        "project",
        "kind",
        "state_label",
        "percent",
        "trigger",
        "version_link",
        "created_at",
    ]
    list_display_links = ["id", "project"]
    list_filter = [PROJECT, "kind", "state", "trigger"]
    list_select_related = ["project", "version", "same_as"]
    search_help_text = "By project, or error code"
    finds = [_of_error, of_project]

    def get_queryset(self, request: HttpRequest) -> Any:
        queryset = (
            super()
            .get_queryset(request)
            .select_related("project", "version", "retry_of", "same_as")
        )
        if is_list(request):
            # Long columns that only a run's page shows: up to megabytes each.
            return queryset.defer("log", "statements", "candidates", "comparison", "phases")
        return queryset

    @display(description="State", ordering="state", label=STATE_COLOURS)
    def state_label(self, run: TrainingRun) -> str:
        return run.get_state_display()

    @display(description="Progress", ordering="progress")
    def percent(self, run: TrainingRun) -> str:
        return f"{run.progress:.0%}"

    @display(description="Version")
    def version_link(self, run: TrainingRun) -> str:
        if run.same_as:
            return format_html(
                'nothing new: <span class="inline-link">{}</span>', link(run.same_as)
            )
        return link(getattr(run, "version", None))

    # The page of one run

    def page(self, request: HttpRequest, run: TrainingRun) -> dict[str, Any]:
        return run_page.context(request.user, run)

    def get_custom_urls(self) -> tuple[tuple[str, str, Any], ...]:
        return (("<int:run_id>/progress/", "registry_trainingrun_progress", self.progress),)

    def progress(self, request: HttpRequest, run_id: int, **kwargs: Any) -> HttpResponse:
        """GET: what changed since `offset` characters of the log, as JSON."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        offset = request.GET.get("offset", "")
        changes = run_page.progress(
            run_id, int(offset) if offset.isdecimal() and len(offset) < 9 else 0
        )
        if changes is None:
            raise Http404
        return JsonResponse(changes)

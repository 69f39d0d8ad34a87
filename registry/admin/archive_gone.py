"""The page that archives all projects that are gone from Label Studio, for one reason."""

from contextlib import suppress

from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from registry.actions.operator.action import REASON_MAX
from registry.actions.operator.archive_project import ArchiveProject
from registry.errors import EvalsError
from registry.models import Project

from .action_buttons import caller

_USUAL_REASON = "Deleted in Label Studio."


def archive_gone(page: ModelAdmin, request: HttpRequest) -> HttpResponse:
    """GET lists them and asks for the reason; POST archives those that are still gone."""
    action = ArchiveProject()
    if not action.allowed(request.user):
        raise PermissionDenied
    projects = Project.objects.filter(archived_at__isnull=True).order_by("title", "pk")
    gone = [project for project in projects.defer("label_config") if project.is_gone]
    if request.method == "POST":
        reason = request.POST.get("reason", "").strip()[:REASON_MAX] or _USUAL_REASON
        archived = 0
        for project in gone:
            with suppress(EvalsError):  # someone was faster
                action.execute(project, {"reason": reason}, caller(request))
                archived += 1
        messages.success(request, f"{archived} project{'' if archived == 1 else 's'} archived.")
        return redirect("admin:index")
    context = {
        **page.admin_site.each_context(request),
        "title": "Archive projects that are gone",
        "projects": gone,
        "reason": _USUAL_REASON,
        "reason_max": REASON_MAX,
    }
    return TemplateResponse(request, "admin/registry/project/archive_gone.html", context)

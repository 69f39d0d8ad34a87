"""The page of a project's annotators: how they agree with each other and with the champion."""

from typing import Any

from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from registry.formatting import format_3dp
from registry.models import Outcome, Task
from registry.permissions import may_view
from registry.reports.annotators import TargetAgreement, agreement
from registry.statistics import PROPORTION_MIN_N, Proportion

from .navigation import link


def annotators_page(page: ModelAdmin, request: HttpRequest, object_id: str) -> HttpResponse:
    """GET: a table of the annotators for each target."""
    may = page.has_view_permission(request) and may_view(request.user, Task)
    if not (may and may_view(request.user, Outcome)):
        raise PermissionDenied
    project = page.get_object(request, object_id)
    if project is None:
        raise Http404("This project does not exist.")
    found = agreement(project)
    context = {
        **page.admin_site.each_context(request),
        "title": "Annotators",
        "project": project,
        "project_link": link(project, project.name),
        "champion": project.champion,
        "found": found,
        "enough": PROPORTION_MIN_N,
        "targets": [_target(target) for target in found.targets],
    }
    return TemplateResponse(request, "admin/registry/project/annotators.html", context)


def _target(target: TargetAgreement) -> dict[str, Any]:
    return {
        "name": target.target,
        "tasks": target.tasks,
        "pairs": _share(target.pairs),
        "alpha": format_3dp(target.alpha),
        "has_alpha": target.alpha is not None,
        "rows": [
            {
                "annotator": one.annotator,
                "labels": one.labels,
                "others": _share(one.with_others),
                "champion": _share(one.with_champion),
            }
            for one in target.annotators
        ],
    }


def _share(found: Proportion) -> str:
    """Such as `87% (78% to 93%), n = 60`; below 20 without a share."""
    if found.share is None or found.interval is None:
        return f"n = {found.n}" if found.n else "–"
    low, high = found.interval
    return f"{found.share:.0%} ({low:.0%} to {high:.0%}), n = {found.n}"

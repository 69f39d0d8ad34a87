"""The page of a project's labels that look wrong."""

from typing import Any

from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from registry.formatting import answer_text
from registry.models import Outcome, Task
from registry.permissions import may_view
from registry.reports.suspect_labels import ENOUGH_RIGHT, SuspectLabel, suspect_labels
from registry.reports.tasks import why_no_link

from .images import excerpt
from .navigation import link

_EACH = 50  # labels on a page
_SOURCES: dict[str, str] = {
    Outcome.Source.HOLDOUT: "never learned from",
    Outcome.Source.OUT_OF_FOLD: "out of fold",
    Outcome.Source.PREQUENTIAL: "predicted before the label",
}


def suspect_labels_page(page: ModelAdmin, request: HttpRequest, object_id: str) -> HttpResponse:
    """GET: the labels, the surest contradiction first; `?from=` is the place of the first one."""
    if not (page.has_view_permission(request) and may_view(request.user, Task)):
        raise PermissionDenied
    project = page.get_object(request, object_id)
    if project is None:
        raise Http404("This project does not exist.")
    start = request.GET.get("from", "")
    first = int(start) if start.isdecimal() and len(start) < 7 else 0
    found = suspect_labels(project, limit=_EACH, offset=first)
    last = first + len(found.labels)
    context = {
        **page.admin_site.each_context(request),
        "title": "Labels that look wrong",
        "project": project,
        "project_link": link(project, project.name),
        "found": found,
        "rows": [_row(label) for label in found.labels],
        "enough_right": ENOUGH_RIGHT,
        "no_link": why_no_link(label.task for label in found.labels),
        "first": first + 1,
        "last": last,
        "before": max(0, first - _EACH) if first else None,
        "after": last if last < found.count else None,
    }
    return TemplateResponse(request, "admin/registry/project/suspect_labels.html", context)


def _row(label: SuspectLabel) -> dict[str, Any]:
    return {
        "content": excerpt(label.task),
        "target": label.target,
        "human": answer_text(label.human_classes),
        "model": answer_text(label.predicted_classes),
        "score": f"{label.score:.0%}",
        "threshold": f"{label.threshold:.0%}",
        "version": label.version,
        "source": _SOURCES.get(label.source, label.source.replace("_", " ")),
        "url": label.task.url,
        "task": label.task.labelstudio_id,
    }

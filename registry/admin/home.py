"""The admin's home page: the alerts, then a row per project."""

from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.text import capfirst

from registry.actions.operator.archive_project import ArchiveProject
from registry.charts import sparkline
from registry.metrics import title
from registry.models import Project
from registry.permissions import may_view
from registry.reports.project_summary import (
    PREQUENTIAL_DAYS,
    ProjectSummary,
    alerts,
    basic,
    complete,
)

from . import project_summary
from .alerts import alert_item
from .markup import RUN_COLOURS, ago, state_badge
from .navigation import page_url

admin.site.index_template = "registry/home/page.html"
admin.site.index_title = "Projects"

_PER_PAGE = 50
_MOST_ALERTS = 12


@dataclass(frozen=True)
class Row:
    """A project's row."""

    summary: ProjectSummary
    href: str
    has_alert: bool
    sparkline: SafeString
    run: SafeString | str
    run_at: SafeString | str
    connection: SafeString
    accuracy: str
    accuracy_note: str
    primary: str
    primary_note: str
    labels: str
    trains: str
    unserved: str


def context(request: HttpRequest, page_context: dict[str, Any]) -> dict[str, Any]:
    """unfold's dashboard callback: adds the home page's values to its context."""
    page_context |= {"title": "Home", "days": PREQUENTIAL_DAYS}
    if not may_view(request.user, Project):
        return page_context | {"may_view_projects": False}
    every = basic(_projects())
    found = alerts(every)
    newest = sorted(every, key=lambda summary: summary.active_at, reverse=True)
    page = Paginator(newest, _PER_PAGE).get_page(request.GET.get("page"))
    alerted = {project.pk for a in found for project in a.projects}
    may_archive = ArchiveProject().allowed(request.user)
    items = [alert_item(a, may_archive=may_archive) for a in found]
    return page_context | {
        "may_view_projects": True,
        "alerts": items[:_MOST_ALERTS],
        "alert_count": len(found),
        "other_alerts": items[_MOST_ALERTS:],
        "archived": Project.objects.filter(archived_at__isnull=False).count(),
        "page": page,
        "rows": [_row(g, g.project.pk in alerted) for g in complete(list(page))],
    }


def _projects() -> QuerySet[Project]:
    """All that are not archived, without long columns; `basic` reads their champions.

    For a join with many projects PostgreSQL would read every version.
    """
    projects = Project.objects.filter(archived_at__isnull=True)
    return projects.defer("label_config", "extra_params").order_by("-pk")


def _series_title(summary: ProjectSummary) -> str:
    return capfirst(title("primary", summary.metric)) if summary.metric else "Primary metric"


def _row(summary: ProjectSummary, has_alert: bool) -> Row:
    run = summary.last_run
    colour = {"reached": "success", "not reached": "danger"}.get(summary.connection, "")
    return Row(
        summary=summary,
        href=page_url(summary.project),
        has_alert=has_alert,
        sparkline=sparkline(
            [value for _, value in summary.series],
            title=f"{_series_title(summary)} of the last {len(summary.series)} versions",
            baseline=summary.baseline,
        ),
        run=state_badge(run.get_state_display(), RUN_COLOURS.get(run.state, "")) if run else "–",
        run_at=ago(run.ended_at or run.created_at) if run else "",
        connection=state_badge(summary.connection, colour),
        accuracy=project_summary.prequential_share(summary),
        accuracy_note=project_summary.prequential_interval(summary.prequential),
        primary=project_summary.primary_value(summary),
        primary_note=project_summary.primary_note(summary),
        labels=project_summary.label_count(summary.changed),
        trains=project_summary.training_condition(summary),
        unserved=project_summary.unserved_reason(summary),
    )

"""The top of a project's page: summary, charts, tasks to label next, newest rows."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import Model, QuerySet
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst

from registry import charts
from registry.actions.operator.label_next_tab import LabelNextTab
from registry.formatting import interval_and_n, primary_metric
from registry.metrics import Direction, metric_info, title
from registry.models import AuditEntry, Event, ModelVersion, Project, Task, TrainingRun
from registry.models.version import FEW
from registry.permissions import may_view
from registry.reports.project_summary import alerts_of, project_summary
from registry.reports.proportions import picked_accuracy
from registry.reports.series import Day, MetricPoint, metric_series, prequential_series
from registry.reports.tasks import label_next, why_no_link, why_none

from .alerts import alert_item
from .empty_lists import filled_by
from .images import excerpt
from .markup import EVENT_COLOURS, RUN_COLOURS, ago, duration, state_badge, version_badge
from .navigation import link, list_url, page_url
from .project_summary import facts_of_project

_LATEST = 5
_NEXT = 10
_MOST_VERSIONS = 100
_DAYS = 90


@dataclass(frozen=True)
class Latest:
    """The newest rows of a model: column names, cells, and the link to the list."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    more: str
    filled_by: str


def overview(user: AbstractBaseUser | AnonymousUser, project: Project) -> dict[str, Any]:
    """The context of the page: `alerts`, `facts`, `charts`, `label_next` and `latest`."""
    runs = _newest_runs(project)
    points, days = metric_series(project, "primary"), prequential_series(project, _DAYS)
    latest: dict[type[Model], Callable[[], Latest]] = {
        ModelVersion: lambda: _versions(project),
        TrainingRun: lambda: _runs(project, runs),
        Event: lambda: _events(project),
        AuditEntry: lambda: _audit_entries(project),
    }
    summary = project_summary(project, runs)
    return {
        "alerts": [alert_item(a) for a in alerts_of(summary)],
        "facts": facts_of_project(user, summary),
        "charts": [primary_chart(project, points), prequential_chart(days)],
        "label_next": to_label(user, project) if may_view(user, Task) else None,
        "latest": [table() for model, table in latest.items() if may_view(user, model)],
    }


def primary_chart(project: Project, points: Sequence[MetricPoint]) -> SafeString:
    """The primary metric of the last versions with the champion marked, and the baseline.

    Versions with the champion's metric, else the newest one's; a note counts the others.
    """
    metric = next((p.metric for p in points if p.version == project.champion_id), None)
    metric = metric or (points[-1].metric if points else "")
    shown = [p for p in points if p.metric == metric][-_MOST_VERSIONS:]
    main = [
        charts.Point(
            p.number,
            p.value,
            f"v{p.number}",
            low=p.interval[0] if p.interval else None,
            high=p.interval[1] if p.interval else None,
            note=_note(p, project),
            href=page_url(ModelVersion(pk=p.version)),
            strong=p.version == project.champion_id,
            faint=p.n < FEW,
        )
        for p in shown
    ]
    baseline = [charts.Point(p.number, p.baseline, f"v{p.number}") for p in shown]
    name = f"Primary metric over versions: {title(metric)}" if metric else "Primary metric"
    if metric_info(metric).direction == Direction.LOWER:
        name += " (lower is better)"
    chart = charts.line_chart(
        name,
        [
            charts.Series(capfirst(title(metric)), main),
            charts.Series("Baseline", baseline, "baseline"),
        ],
        x_name="Version",
        within=metric_info(metric).range,
        empty="No version has been evaluated yet.",
    )
    others = Counter(p.metric for p in points if p.metric != metric)
    left_out = ", ".join(f"{n} by {title(other)}" for other, n in others.items())
    if not left_out:
        return chart
    return format_html(
        '{}<p class="fact-note">Versions with another metric: {}.</p>', chart, left_out
    )


def _note(point: MetricPoint, project: Project) -> str:
    champion = ", champion" if point.version == project.champion_id else ""
    return f"{interval_and_n(None, point.n)}{champion}"


def prequential_chart(days: Sequence[Day]) -> SafeString:
    """The prequential accuracy of seven-day windows, with its 95 % interval."""
    points = []
    for day in days:
        low, high = day.window.interval or (None, None)
        points.append(
            charts.Point(
                day.day.toordinal(),
                day.window.share,
                f"{day.day.day} {day.day:%b}",
                low,
                high,
                note=f"n = {day.window.n}",
            )
        )
    return charts.line_chart(
        "Accuracy on new labels, predicted before the human label",
        [charts.Series("Seven days to", points)],
        x_name="Seven days to",
        empty="Too few labels: needs 20 within a week that were made after a version served.",
    )


def to_label(user: AbstractBaseUser | AnonymousUser, project: Project) -> dict[str, Any]:
    """The tasks to label next, why there are none, and why some have no link."""
    found = label_next(project, _NEXT)
    return {
        "rows": [
            {
                "text": excerpt(n.task),
                "score": f"{n.score:.0%}",
                "margin": "at random" if n.at_random else f"{n.margin:.0%}",
                "url": n.task.url,
                "task": n.task.labelstudio_id,
            }
            for n in found
        ],
        "why_none": "" if found else why_none(project),
        "no_link": why_no_link(n.task for n in found),
        "tab": f"{project.page}/data?tab={project.label_next_tab}" if _has_tab(project) else "",
        "make_tab": reverse("admin:registry_project_label_next_tab", args=[project.pk])
        if found and LabelNextTab().allowed(user)
        else "",
        "helps": picked_accuracy(project).sentence if _has_tab(project) else "",
    }


def _has_tab(project: Project) -> bool:
    return bool(project.label_next_tab and project.page)


def _versions(project: Project) -> Latest:
    shown = list(ModelVersion.objects.filter(project=project)[:_LATEST])
    for version in shown:  # its champion decides their states
        version.project = project
    rows = [
        [
            link(v),
            primary_metric(v),
            version_badge(v),
            ago(v.created_at),
        ]
        for v in shown
    ]
    return _latest(
        "Versions", ModelVersion, project, ["Version", "Primary", "State", "Created"], rows
    )


def _newest_runs(project: Project) -> list[TrainingRun]:
    """Without the long columns, which only a run's page shows."""
    short = ("project", "kind", "state", "trigger", "error", "error_code", "hint")
    times = ("created_at", "started_at", "ended_at")
    return list(TrainingRun.objects.filter(project=project).only(*short, *times)[:_LATEST])


def _runs(project: Project, newest: Sequence[TrainingRun]) -> Latest:
    rows = [
        [
            link(run, f"run\xa0{run.pk}"),
            state_badge(run.get_state_display(), RUN_COLOURS.get(run.state, "")),
            run.error or run.get_trigger_display(),
            duration(run.started_at, run.ended_at),
            ago(run.created_at),
        ]
        for run in newest
    ]
    return _latest(
        "Runs",
        TrainingRun,
        project,
        ["Run", "State", "Trigger or error", "Duration", "Created"],
        rows,
    )


def _events(project: Project) -> Latest:
    shown = Event.objects.filter(project=project).defer("payload")[:_LATEST]
    rows = [
        [
            link(event, event.action),
            state_badge(event.get_status_display(), EVENT_COLOURS.get(event.status, "")),
            event.outcome,
            ago(event.received_at),
        ]
        for event in shown
    ]
    return _latest("Events", Event, project, ["Event", "State", "Outcome", "Received"], rows)


def _audit_entries(project: Project) -> Latest:
    rows = [
        [
            link(entry, entry.verb.replace("_", " ")),
            _subject(entry),
            entry.actor,
            entry.reason,
            ago(entry.at),
        ]
        for entry in _newest_audit_entries(project)
    ]
    return _latest(
        "Audit entries", AuditEntry, project, ["Action", "Version", "Actor", "Reason", "Time"], rows
    )


def _newest_audit_entries(project: Project) -> QuerySet[AuditEntry]:
    return AuditEntry.objects.filter(project=project).select_related(
        "version", "from_version", "to_version"
    )[:_LATEST]


def _subject(entry: AuditEntry) -> str:
    if entry.to_version:
        return (
            f"{entry.from_version} → {entry.to_version}"
            if entry.from_version
            else str(entry.to_version)
        )
    if entry.version:
        return str(entry.version)
    return f"run {entry.run_id}" if entry.run_id else ""


def _latest(
    title: str, model: type[Model], project: Project, head: list[str], rows: list[list[str]]
) -> Latest:
    more = list_url(model, project__id__exact=project.pk)
    return Latest(title, head, rows, more, filled_by(model))

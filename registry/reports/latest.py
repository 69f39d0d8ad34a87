"""The newest of what each of many projects has, one query for all of them.

Each query goes project by project along an index: what is grouped or ranked over a whole table
costs as much as the table is large.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from django.db import connection
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from registry.accuracy import Standing
from registry.models import Act, Event, Metric, Outcome, Project, TrainingRun
from registry.reports.metric_names import BASELINES
from registry.reports.series import mean, start_of

MOVES = ("promote", "roll_back", "fall_back")
_LONG = ("log", "statements", "candidates", "parameters", "dataset_counts", "comparison", "phases")

_SERIES = """
SELECT project.id, version.label, metric.value
FROM unnest(%s::bigint[]) AS project (id)
CROSS JOIN LATERAL (
    SELECT id, number, label FROM registry_modelversion
    WHERE project_id = project.id ORDER BY number DESC LIMIT %s
) AS version
JOIN registry_metric AS metric ON metric.version_id = version.id AND metric.name = 'primary'
    AND metric.target = '' AND metric.split = 'holdout' AND metric.label = '' AND metric.step = 0
ORDER BY project.id, version.number
"""


def primary_series(projects: Sequence[int], versions: int) -> dict[int, list[tuple]]:
    """By project, (label, value) of the primary metric of its last versions, oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(_SERIES, [list(projects), versions])
        rows = cursor.fetchall()
    series: defaultdict[int, list[tuple]] = defaultdict(list)
    for project, label, value in rows:
        series[project].append((label, value))
    return series


def primary_numbers(versions: Iterable[int]) -> dict[int, dict[str, Any]]:
    """By version, `primary`, `primary_n`, and `baseline`: the mean of its targets' baselines."""
    rows = Metric.objects.filter(
        version__in=list(versions),
        name__in=["primary", BASELINES["primary"]],
        split="holdout",
        label="",
        step=0,
    )
    found: dict[int, dict[str, Any]] = {}
    baselines: defaultdict[int, list[float | None]] = defaultdict(list)
    for metric in rows:
        if metric.name == "primary":
            found[metric.version_id] = {"primary": metric.value, "primary_n": metric.n}
        else:
            baselines[metric.version_id].append(metric.value)
    return {
        version: {**numbers, "baseline": mean(baselines[version])}
        for version, numbers in found.items()
    }


def prequential(projects: Sequence[int], days: int) -> dict[int, Standing]:
    """By project, how often its served versions were right about humans in the last days."""
    recent = Outcome.objects.filter(
        source=Outcome.Source.PREQUENTIAL,
        at__gte=timezone.now() - timedelta(days=days),
        version__project__in=projects,
    )
    rows = (
        recent.values("version__project")
        .annotate(n=Count("id"), right=Count("id", filter=Q(correct=True)))
        .order_by()
    )
    return {row["version__project"]: Standing(row["n"], row["right"]) for row in rows}


def last_runs(projects: Sequence[int]) -> dict[int, TrainingRun]:
    """By project, its newest run, without its long fields."""
    runs = TrainingRun.objects.filter(project=OuterRef("pk")).order_by("-id")
    found = TrainingRun.objects.filter(pk__in=_newest(projects, runs)).defer(*_LONG)
    return {run.project_id: run for run in found.order_by()}


def last_moves(projects: Sequence[int]) -> dict[int, Act]:
    """By project, the act that last moved its champion."""
    acts = Act.objects.filter(project=OuterRef("pk"), verb__in=MOVES).order_by("-at", "-id")
    found = Act.objects.filter(pk__in=_newest(projects, acts))
    return {
        act.project_id: act
        for act in found.order_by().select_related("from_version", "to_version")
        if act.project_id
    }


def events_today(projects: Sequence[int]) -> dict[int, int]:
    """By project, how many events came since midnight in the server's time zone."""
    today = Event.objects.filter(received_at__gte=start_of(timezone.localdate()))
    rows = today.filter(project__in=projects).order_by().values_list("project")
    return dict(rows.annotate(n=Count("id")))


def _newest(projects: Sequence[int], ordered: QuerySet) -> QuerySet:
    """The id of the first row for each project; rows refer to it by OuterRef."""
    first = Subquery(ordered.values("pk")[:1])
    return Project.objects.filter(pk__in=projects).order_by().values_list(first, flat=True)

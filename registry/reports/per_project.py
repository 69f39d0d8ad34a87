"""The newest rows of each of many projects, one query for all projects.

Each query reads an index project by project: the cost of grouping or ranking a whole table
grows with the table.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta

from django.db import connection
from django.db.models import Count, Q
from django.utils import timezone

from registry.models import AuditEntry, Event, ModelVersion, Outcome, TrainingRun
from registry.reports.series import start_of
from registry.statistics import Proportion

_SERIES = """
SELECT project.id, version.label, version.primary_value, version.primary_metric
FROM unnest(%s::bigint[]) AS project (id)
CROSS JOIN LATERAL (
    SELECT number, label, primary_value, primary_metric FROM registry_modelversion
    WHERE project_id = project.id ORDER BY number DESC LIMIT %s
) AS version
ORDER BY project.id, version.number
"""


def primary_series(projects: Sequence[int], versions: int) -> dict[int, list[tuple]]:
    """By project, (label, value, metric name) of its last versions, oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(_SERIES, [list(projects), versions])
        rows = cursor.fetchall()
    series: defaultdict[int, list[tuple]] = defaultdict(list)
    for project, *of_version in rows:
        series[project].append(tuple(of_version))
    return series


def prequential(projects: Sequence[int], days: int) -> dict[int, Proportion]:
    """By project, the prequential accuracy of its served versions in the last days."""
    recent = Outcome.objects.filter(
        source=Outcome.Source.PREQUENTIAL,
        at__gte=timezone.now() - timedelta(days=days),
        version__project__in=projects,
    )
    rows = (
        recent.values("version__project")
        .annotate(n=Count("*"), right=Count("correct", filter=Q(correct=True)))
        .order_by()
    )
    return {row["version__project"]: Proportion(row["n"], row["right"]) for row in rows}


# Without the long columns, which only a run's page shows.
_LAST_RUNS = """
SELECT run.id, run.project_id, run.state, run.trigger, run.actor, run.phase, run.progress,
    run.cancel_requested, run.error_code, run.error, run.hint, run.created_at, run.started_at,
    run.ended_at
FROM unnest(%s::bigint[]) AS project (id)
CROSS JOIN LATERAL (
    SELECT * FROM registry_trainingrun WHERE project_id = project.id AND kind = 'training'
    ORDER BY id DESC LIMIT 1
) AS run
"""


def last_runs(projects: Sequence[int]) -> dict[int, TrainingRun]:
    """By project, its newest training."""
    found = TrainingRun.objects.raw(_LAST_RUNS, [list(projects)])
    return {run.project_id: run for run in found}


_LAST_MOVES = """
SELECT move.*, version.label AS from_label FROM unnest(%s::bigint[]) AS project (id)
CROSS JOIN LATERAL (
    SELECT * FROM registry_auditentry
    WHERE project_id = project.id AND verb IN ('promote', 'roll_back', 'fall_back')
    ORDER BY id DESC LIMIT 1
) AS move
LEFT JOIN registry_modelversion AS version ON version.id = move.from_version_id
"""


def last_moves(projects: Sequence[int]) -> dict[int, AuditEntry]:
    """By project, the audit entry that last moved its champion; of `from_version` the label."""
    moves = {}
    for entry in AuditEntry.objects.raw(_LAST_MOVES, [list(projects)]):
        if entry.from_version_id:
            values = [entry.from_version_id, vars(entry)["from_label"]]
            entry.from_version = ModelVersion.from_db("default", ["id", "label"], values)
        if entry.project_id:
            moves[entry.project_id] = entry
    return moves


def events_today(projects: Sequence[int]) -> dict[int, int]:
    """By project, the number of events since midnight in the server's time zone."""
    today = Event.objects.filter(received_at__gte=start_of(timezone.localdate()))
    rows = today.filter(project__in=projects).order_by().values_list("project")
    return dict(rows.annotate(n=Count("*")))

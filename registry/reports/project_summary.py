"""A summary of each project and the alerts about it, most urgent first, for the home page."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.db.models import prefetch_related_objects

from registry import queue
from registry.engine import engine
from registry.formatting import reading_text, unreadable_tasks_text
from registry.metrics import metric_info, title
from registry.models import AuditEntry, Event, ModelVersion, Project, TrainingRun, Worker
from registry.models.run import RunKind, RunState
from registry.reports import per_project, refusals
from registry.statistics import PROPORTION_MIN_N, Proportion

SPARKLINE = 20  # versions
PREQUENTIAL_DAYS = 7
# A failed step of a connection check, as the alert's code.
_STEPS = {"token": "dead_token", "webhook": "webhook_missing"}


@dataclass(frozen=True)
class ProjectSummary:
    """The values of a project on the home page.

    `series` has (version label, primary metric) of the last 20 versions, oldest first, without
    those with another primary metric. `prequential` is the last seven days', its share
    None below 20 outcomes. `last_move` is the audit entry of the champion's last move.
    `policy` is the project's status by `Engine.policy_statuses`.
    """

    project: Project
    champion: ModelVersion | None
    last_run: TrainingRun | None
    last_move: AuditEntry | None
    series: list[tuple[str, float | None]] = field(default_factory=list)
    prequential: Proportion = Proportion(0, 0)
    events_today: int = 0
    policy: dict[str, Any] = field(default_factory=dict)

    @property
    def metric(self) -> str:
        """The name of the champion's primary metric; "" without a champion."""
        return self.champion.primary_metric if self.champion else ""

    @property
    def primary(self) -> float | None:
        """The champion's primary metric on its holdout."""
        return self.champion.primary_value if self.champion else None

    @property
    def primary_n(self) -> int:
        """The number of tasks of that holdout."""
        return self.champion.primary_n if self.champion else 0

    @property
    def primary_interval(self) -> tuple[float, float] | None:
        """The 95 % interval of the primary metric."""
        return self.champion.primary_interval if self.champion else None

    @property
    def baseline(self) -> float | None:
        """The baseline of the primary metric on that holdout."""
        return self.champion.primary_baseline if self.champion else None

    @property
    def changed(self) -> int:
        """Labels that changed since the last run's dataset was frozen."""
        return self.policy.get("changed") or 0

    @property
    def policy_reason(self) -> str:
        """What the policy waits for, or why it trains now or not at all."""
        return self.policy.get("reason", "")

    @property
    def connection(self) -> str:
        """Whether the last check reached Label Studio."""
        if not self.project.connection:
            return "not checked"
        return "reached" if self.project.connection.get("ok") else "not reached"

    @property
    def active_at(self) -> datetime:
        """When something last happened to it: a label, a run, a move of the champion, a setup."""
        project, run, move = self.project, self.last_run, self.last_move
        times = (project.updated_at, project.labels_changed_at, run and run.created_at)
        return max(at for at in (*times, move and move.at) if at)

    @property
    def fell_back(self) -> bool:
        """Whether the last move of the champion was a fall-back."""
        return self.last_move is not None and self.last_move.verb == "fall_back"

    @property
    def is_worse_than_baseline(self) -> bool:
        """Whether the champion is worse than the baseline, on 20 tasks or more."""
        if self.primary is None or self.baseline is None or self.primary_n < PROPORTION_MIN_N:
            return False
        return metric_info(self.metric).gain(self.primary, self.baseline) < 0


@dataclass(frozen=True)
class Alert:
    """A problem that needs attention; `project` is None if it is the installation's.

    `code` is one of no_worker, fell_back, run_failed, dead_token, webhook_missing,
    request_refused, not_reached, gone, tasks_unreadable, worse_than_baseline, reading,
    package_missing. Alerts with the same `cause` are one, with the other projects in `others`.
    """

    code: str
    message: str
    cure: str = ""
    project: Project | None = None
    run: TrainingRun | None = None
    entry: AuditEntry | None = None
    event: Event | None = None
    cause: str = ""
    others: tuple[Project, ...] = ()

    @property
    def projects(self) -> list[Project]:
        """All projects that it is about."""
        return [self.project, *self.others] if self.project else []


def project_summaries(projects: Iterable[Project]) -> list[ProjectSummary]:
    """The complete summary of each project, in their order.

    Six queries and those of `Engine.policy_statuses`, however many projects; one more if
    `projects` is a queryset that was not read.
    """
    return complete(basic(projects))


def project_summary(
    project: Project, newest_runs: Sequence[TrainingRun] | None = None
) -> ProjectSummary:
    """The complete summary of one project, without its `series`.

    With its `newest_runs`, where they have been read already, one query less; those without a
    training count as none.
    """
    trainings = [run for run in newest_runs or () if run.kind == RunKind.TRAINING]
    runs = {run.project_id: run for run in trainings[:1]} or None
    (summary,) = complete(basic([project], runs), sparklines=False)
    return summary


def basic(
    projects: Iterable[Project], last_runs: Mapping[int, TrainingRun] | None = None
) -> list[ProjectSummary]:
    """Summaries with what `alerts` reads only; three queries, two with the `last_runs`."""
    projects = list(projects)
    ids = [project.pk for project in projects]
    # Against a query per project.
    prefetch_related_objects([p for p in projects if p.champion_id], "champion")
    runs = per_project.last_runs(ids) if last_runs is None else last_runs
    moves = per_project.last_moves(ids)
    return [
        ProjectSummary(
            project=project,
            champion=project.champion,
            last_run=runs.get(project.pk),
            last_move=moves.get(project.pk),
        )
        for project in projects
    ]


def complete(
    summaries: Sequence[ProjectSummary], *, sparklines: bool = True
) -> list[ProjectSummary]:
    """The summaries with every field: three queries and those of the policies.

    Two without the `series` of sparklines.
    """
    ids = [summary.project.pk for summary in summaries]
    series = per_project.primary_series(ids, SPARKLINE) if sparklines else {}
    proportions = per_project.prequential(ids, PREQUENTIAL_DAYS)
    events = per_project.events_today(ids)
    policies = engine().policy_statuses([summary.project for summary in summaries])
    return [
        replace(
            summary,
            series=_of_one_metric(series.get(summary.project.pk, []), summary.metric),
            prequential=proportions.get(summary.project.pk, Proportion(0, 0)),
            events_today=events.get(summary.project.pk, 0),
            policy=policies.get(summary.project.pk, {}),
        )
        for summary in summaries
    ]


def _of_one_metric(series: list[tuple], metric: str) -> list[tuple[str, float | None]]:
    """(label, value) of the versions with this primary metric; "": with the newest version's."""
    metric = metric or (series[-1][2] if series else "")
    return [(label, value) for label, value, of_metric in series if of_metric == metric]


def alerts(summaries: Iterable[ProjectSummary]) -> list[Alert]:
    """The alerts, the most urgent first; two queries."""
    summaries = list(summaries)
    found = [
        *_workers(),
        *_packages([summary.project for summary in summaries]),
        *(one for summary in summaries for one in _of_project(summary)),
        *map(_of_refusal, refusals.recent_refusals()),
    ]
    return sorted(_merged(found), key=lambda a: _URGENCY.index(a.code))


def _merged(found: Iterable[Alert]) -> list[Alert]:
    """The alerts; those of one cause as the first of them, with the projects of the others."""
    by_cause: dict[object, Alert] = {}
    for number, alert in enumerate(found):
        key = alert.cause or number
        first = by_cause.setdefault(key, alert)
        if first is not alert and alert.project and alert.project not in first.projects:
            by_cause[key] = replace(first, others=(*first.others, alert.project))
    return list(by_cause.values())


_URGENCY = [
    "no_worker",
    "fell_back",
    "run_failed",
    "dead_token",
    "webhook_missing",
    "request_refused",
    "not_reached",
    "tasks_unreadable",
    "worse_than_baseline",
    "gone",
    "reading",
    "package_missing",
]


def alerts_of(summary: ProjectSummary) -> list[Alert]:
    """The alerts about one project, and what may be about it; one query."""
    refused = [row for row in refusals.recent_refusals() if refusals.concerns(row, summary.project)]
    found = [*_of_project(summary), *map(_of_refusal, refused)]
    return sorted(found, key=lambda a: _URGENCY.index(a.code))


def _of_refusal(row: Event) -> Alert:
    message, cure = refusals.message(row), refusals.cure(row)
    return Alert("request_refused", message, cure, row.project, event=row)


def _workers() -> Iterator[Alert]:
    live = set(Worker.objects.live().values_list("cluster", flat=True))
    for cluster in (queue.EVENTS, queue.TRAINING):
        if cluster not in live:
            yield Alert(
                "no_worker",
                f"No worker of the {cluster} cluster is running.",
                "Start it: manage.py worker, or make run.",
            )


_GONE_CURE = "Archive what was deleted there: nothing is lost, and it can be taken out again."


def _is_by_connection(run: TrainingRun, step: Mapping[str, Any]) -> bool:
    """Whether the run failed for what the last check of the connection found, too."""
    return bool(run.error_code) and run.error_code == step.get("code")


def _packages(projects: Sequence[Project]) -> Iterator[Alert]:
    missing = engine().missing_package(projects)
    if missing is not None:
        yield Alert("package_missing", *missing)


def _of_project(summary: ProjectSummary) -> Iterator[Alert]:
    project, run, move = summary.project, summary.last_run, summary.last_move
    if project.archived_at:
        return
    if summary.fell_back and move:
        now = f"{summary.champion.label} serves" if summary.champion else "nothing serves"
        message = f"{move.from_version} did not load, and {now}: {move.reason}"
        cure = "Restore its artifact, then clear the failed load and promote it."
        yield Alert("fell_back", message, cure, project, entry=move)
    step = project.failed_step
    if run and run.state == RunState.FAILED and not _is_by_connection(run, step):
        message = f"Run {run.pk} failed: {run.error}"
        cause = f"run {run.error_code} {run.error}"
        yield Alert("run_failed", message, run.hint, project, run, cause=cause)
    if project.is_gone:
        message = "Label Studio does not have it any more."
        yield Alert("gone", message, _GONE_CURE, project, cause="gone")
    elif summary.connection == "not reached":
        code = _STEPS.get(step.get("step", ""), "not_reached")
        message = f"Label Studio, {step.get('step')}: {step.get('detail') or 'failed'}"
        yield Alert(code, message, step.get("cure") or "", project, cause=f"connection {message}")
    if reading := reading_text(project.read_so_far):
        cure = (
            "Counts, the holdout and what is trained now are of these. The rest follows by itself."
        )
        yield Alert("reading", f"{reading}.", cure, project)
    if project.unreadable_tasks:
        message = f"{unreadable_tasks_text(project.unreadable_tasks)}: it answers with an error."
        cure = (
            "Nothing is learned from what it cannot return. Import them again without half an "
            "emoji or other characters that are none, and delete these."
        )
        yield Alert("tasks_unreadable", message, cure, project)
    if summary.is_worse_than_baseline and summary.champion:
        message = (
            f"{summary.champion.label} is worse than the baseline: {title(summary.metric)} "
            f"{summary.primary:.3f} against {summary.baseline:.3f} (n = {summary.primary_n})."
        )
        yield Alert("worse_than_baseline", message, "Roll back, or label more.", project)

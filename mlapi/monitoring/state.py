"""Metrics of runs, jobs, events, workers, projects and versions, read from the database.

They are read at each scrape, so that it does not matter which web process answers.
"""

import platform
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Case, CharField, Count, F, Min, Q, QuerySet, Sum, Value, When
from django.db.models.functions import Extract
from django.utils import timezone
from django_q.models import OrmQ
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from registry import queue
from registry.models import Event, ModelVersion, Project, TrainingRun, Worker
from registry.models.event import EventStatus
from registry.models.run import ACTIVE_STATES, RunKind, RunState
from registry.models.worker import LIVE_WITHIN

from .readiness import lost_champion

CLUSTERS = (queue.EVENTS, queue.TRAINING)
_ENDED = [state for state in RunState if state not in ACTIVE_STATES]
_RUN_SECONDS = (5, 15, 30, 60, 120, 300, 600, 1800, 3600)
# A machine that has gone for good is not reported for ever; the newest of each cluster is.
_FORGOTTEN_AFTER = timedelta(days=1)


class Installation:
    """Collects the metrics of the installation: of all projects together."""

    def collect(self) -> Iterator[Metric]:
        """Four queries."""
        now = timezone.now()
        yield _build()
        yield from _runs()
        yield _jobs(now)
        yield from _events(now)
        yield from _workers(now)


class Projects:
    """Collects the metrics of each project of this queryset that is not in the archive."""

    def __init__(self, projects: QuerySet[Project]) -> None:
        self._projects = projects.filter(archived_at__isnull=True)

    def collect(self) -> Iterator[Metric]:
        """Three queries."""
        yield self._reached()
        yield self._champion_lost()
        yield self._load_failed()

    def _reached(self) -> Metric:
        reached = GaugeMetricFamily(
            "evals_project_reached",
            "Whether the last check of the connection reached the project in Label Studio.",
            labels=["project"],
        )
        checked = self._projects.filter(connection__has_key="ok").order_by("pk")
        for uid, is_ok in checked.values_list("uid", "connection__ok"):
            reached.add_metric([uid], float(bool(is_ok)))
        return reached

    def _champion_lost(self) -> Metric:
        lost = GaugeMetricFamily(
            "evals_project_champion_lost",
            "1 for each project that fell back to no version, so that nothing serves.",
            labels=["project"],
        )
        for uid in lost_champion(self._projects).values_list("uid", flat=True):
            lost.add_metric([uid], 1)
        return lost

    def _load_failed(self) -> Metric:
        failed = GaugeMetricFamily(
            "evals_version_load_failed",
            "1 for each version that does not load, those in the archive left out.",
            labels=["project", "version", "champion"],
        )
        versions = ModelVersion.objects.filter(
            project__in=self._projects, load_failed_at__isnull=False, archived_at__isnull=True
        )
        for uid, label, pk, champion in versions.order_by("pk").values_list(
            "project__uid", "label", "pk", "project__champion"
        ):
            failed.add_metric([uid, label, str(pk == champion).lower()], 1)
        return failed


def _build() -> Metric:
    build = GaugeMetricFamily(
        "evals_build_info", "1; the versions of this server.", labels=["version", "python"]
    )
    build.add_metric([settings.VERSION, platform.python_version()], 1)
    return build


def _runs() -> Iterator[Metric]:
    """Runs by kind and state. A run never goes away, so those that have ended are a counter."""
    active = GaugeMetricFamily(
        "evals_runs_active", "Runs that are queued or running.", labels=["kind", "state"]
    )
    ended = CounterMetricFamily(
        "evals_runs_ended", "Runs that have ended, by how.", labels=["kind", "state"]
    )
    seconds = HistogramMetricFamily(
        "evals_run_seconds",
        "Seconds from a run's start to its end.",
        labels=["kind", "state"],
    )
    found = {(row["kind"], row["state"]): row for row in _counted_runs()}
    for kind in RunKind:
        for state in RunState:
            row = found.get((kind, state), {})
            count = row.get("count", 0)
            (ended if state in _ENDED else active).add_metric([kind, state], count)
            if state in _ENDED:
                buckets = [(str(float(s)), row.get(f"within_{s}", 0)) for s in _RUN_SECONDS]
                buckets.append(("+Inf", row.get("begun", 0)))
                total = row.get("seconds") or 0.0
                seconds.add_metric([kind, state], buckets=buckets, sum_value=total)
    yield active
    yield ended
    yield seconds


def _counted_runs() -> Iterable[Any]:
    """By kind and state: how many runs, and of those that had begun how many ended within what.

    A queued run that is cancelled has never begun. Answered by the index `run_seconds`.
    """
    took = F("ended_at") - F("started_at")
    within: dict[str, Any] = {
        f"within_{s}": Count("pk", filter=Q(took__lte=timedelta(seconds=s))) for s in _RUN_SECONDS
    }
    runs = TrainingRun.objects.order_by().annotate(took=took)
    return runs.values("kind", "state").annotate(
        count=Count("pk"),
        begun=Count("pk", filter=Q(took__isnull=False)),
        seconds=Sum(Extract("took", "epoch")),
        **within,
    )


def _jobs(now: datetime) -> Metric:
    jobs = GaugeMetricFamily(
        "evals_queue_jobs",
        "Jobs in the queue of a cluster: waiting for a worker, or taken by one.",
        labels=["cluster", "state"],
    )
    state = Case(
        When(lock__gt=now, then=Value("taken")),
        default=Value("waiting"),
        output_field=CharField(),
    )
    rows = OrmQ.objects.order_by().annotate(state=state).values_list("key", "state")
    found = {(key, of): count for key, of, count in rows.annotate(count=Count("pk"))}
    for cluster in CLUSTERS:
        for of in ("waiting", "taken"):
            jobs.add_metric([cluster, of], found.get((cluster, of), 0))
    return jobs


def _events(now: datetime) -> Iterator[Metric]:
    """Counted beside the oldest: alone, that would be looked for among all events ever received."""
    waiting = Event.objects.filter(status=EventStatus.RECEIVED, project__isnull=False).order_by()
    found = waiting.aggregate(count=Count("pk"), oldest=Min("received_at"))
    events = GaugeMetricFamily("evals_events_waiting", "Events that are not applied yet.")
    events.add_metric([], found["count"])
    yield events
    oldest = GaugeMetricFamily(
        "evals_oldest_event_seconds",
        "Seconds since the oldest event came that is not applied yet; 0 without one.",
    )
    oldest.add_metric(
        [], max(0.0, (now - found["oldest"]).total_seconds()) if found["oldest"] else 0
    )
    yield oldest


def _workers(now: datetime) -> Iterator[Metric]:
    heartbeats = GaugeMetricFamily(
        "evals_worker_heartbeat_age_seconds",
        "Seconds since the last heartbeat of a cluster's worker on a machine.",
        labels=["cluster", "hostname"],
    )
    live = GaugeMetricFamily(
        "evals_workers_live",
        f"Machines with a heartbeat of the cluster's worker in the last {LIVE_WITHIN.seconds} s.",
        labels=["cluster"],
    )
    counts = dict.fromkeys(CLUSTERS, 0)
    reported: set[str] = set()
    for worker in Worker.objects.order_by("-heartbeat_at"):
        ago = now - worker.heartbeat_at
        if ago > _FORGOTTEN_AFTER and worker.cluster in reported:
            continue
        reported.add(worker.cluster)
        heartbeats.add_metric([worker.cluster, worker.hostname], max(0.0, ago.total_seconds()))
        if ago <= LIVE_WITHIN:
            counts[worker.cluster] = counts.get(worker.cluster, 0) + 1
    for cluster, count in counts.items():
        live.add_metric([cluster], count)
    yield heartbeats
    yield live

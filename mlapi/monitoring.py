"""What monitoring reads: whether the backend is ready, and the metrics of Prometheus."""

import os
from collections.abc import Iterable, Iterator
from typing import Any

from django.db import DatabaseError
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector

from registry import queue, schema_state
from registry.error_codes import CODES
from registry.errors import DatabaseUnavailable, NotReady
from registry.models import AuditEntry, Project, Worker

_migrated = False

PROCESS = CollectorRegistry()
REQUESTS = Counter(
    "evals_requests",
    "Requests by route, method and status.",
    ["route", "method", "status"],
    registry=PROCESS,
)
SECONDS = Histogram(
    "evals_request_seconds",
    "Time to answer, by route.",
    ["route"],
    registry=PROCESS,
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30, 100),
)
PREDICTED_TASKS = Counter(
    "evals_predict_tasks",
    "Tasks that were asked for, by outcome (predicted, nothing_found, or why not).",
    ["outcome"],
    registry=PROCESS,
)
CONTENT_TYPE = CONTENT_TYPE_LATEST
_SCRAPED = ("text/plain", "application/openmetrics-text")


def is_scraper(request: HttpRequest) -> bool:
    """Whether the Accept header names a format of Prometheus."""
    return any(kind in request.META.get("HTTP_ACCEPT", "") for kind in _SCRAPED)


def note_request(route: str, method: str, status: int, seconds: float) -> None:
    """Count one answered request."""
    REQUESTS.labels(route, method, str(status)).inc()
    SECONDS.labels(route).observe(seconds)


def note_predictions(predicted: int, nothing: int, problems: dict[str, list]) -> None:
    """Count the tasks of one answer; `nothing` are those with nothing in them, as predicted."""
    PREDICTED_TASKS.labels("predicted").inc(predicted)
    if nothing:
        PREDICTED_TASKS.labels("nothing_found").inc(nothing)
    for code, ids in problems.items():
        PREDICTED_TASKS.labels(code).inc(len(ids))


class Champions:
    """Collects each champion's metrics; `champions` are the values of `champion_metrics`."""

    def __init__(self, champions: Iterable[dict]) -> None:
        self.champions = champions

    def collect(self) -> Iterator[Metric]:
        """One gauge for every metric of the whole version and of its targets."""
        value = GaugeMetricFamily(
            "evals_champion_metric",
            "A metric of the version that serves.",
            labels=["project", "version", "target", "name", "split"],
        )
        n = GaugeMetricFamily(
            "evals_champion_metric_n",
            "The number of examples behind that metric.",
            labels=["project", "version", "target", "name", "split"],
        )
        for champion in self.champions:
            for m in champion["metrics"]:
                labels = [
                    champion["project"],
                    champion["version"],
                    m["target"],
                    m["name"],
                    m["split"],
                ]
                if m["value"] is not None:
                    value.add_metric(labels, m["value"])
                    n.add_metric(labels, m["n"])
        yield value
        yield n


def exposition(champions: Iterable[dict], *, with_process: bool) -> bytes:
    """The text of a scrape; counts over all projects only for callers whose scope is not bound."""
    registry = CollectorRegistry()
    registry.register(Champions(champions))
    text = generate_latest(registry)
    if not with_process:
        return text
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        process = CollectorRegistry()
        MultiProcessCollector(process)
        return generate_latest(process) + text
    return generate_latest(PROCESS) + text


def check_readiness(projects: QuerySet[Project]) -> dict[str, Any]:
    """The live workers, and which of these projects cannot reach Label Studio or lost its champion.

    Raises NotReady for the first thing that is missing, or DatabaseNewer. A project without a
    credential learns from webhooks alone, and one without a champion until its next version: they
    do not make the backend unready.
    """
    try:
        _require_migrations()
        workers = _require_workers()
        return {
            "workers": workers,
            "without_labelstudio": _disconnected(projects),
            "without_champion": _without_champion(projects),
        }
    except DatabaseError as e:
        raise DatabaseUnavailable from e


def _require_migrations() -> None:
    """Raises NotReady, or DatabaseNewer. That all are applied is cached."""
    global _migrated
    schema_state.require_not_newer()
    if _migrated:
        return
    if schema_state.unapplied():
        raise NotReady("Migrations are not applied.", hint="Run: manage.py migrate")
    _migrated = True


def _require_workers() -> dict[str, str]:
    live = dict(
        Worker.objects.live().order_by("heartbeat_at").values_list("cluster", "heartbeat_at")
    )
    for cluster in (queue.EVENTS, queue.TRAINING):
        if cluster not in live:
            raise NotReady(
                f"No worker of the {cluster} cluster was seen in the last 90 s.",
                hint="Start it: manage.py worker, or make run.",
            )
    return {cluster: at.isoformat() for cluster, at in live.items()}


def _disconnected(projects: QuerySet[Project]) -> list[dict[str, Any]]:
    """Projects whose last check of the connection failed, with the step and its cure."""
    failed = projects.filter(connection__ok=False).order_by("pk")
    return [
        {"project": p.uid, "failed": p.connection.get("failed"), "cure": _cure(p.connection)}
        for p in failed
    ]


def _without_champion(projects: QuerySet[Project]) -> list[dict[str, Any]]:
    """Projects whose champion does not load, or was lost with no earlier version that loads."""
    fell = AuditEntry.objects.filter(project=OuterRef("pk"), verb="fall_back")
    lost = Q(champion=None) & Exists(fell)
    found = projects.filter(lost | Q(champion__load_failed_at__isnull=False)).order_by("pk")
    return [
        {
            "project": p.uid,
            "champion": p.champion.label if p.champion else None,
            "error": p.champion.load_error if p.champion else _why_lost(p),
            "cure": CODES["artifact_corrupt"].hint,
        }
        for p in found
    ]


def _why_lost(project: Project) -> str:
    last = AuditEntry.objects.filter(project=project, verb="fall_back").order_by("-pk").first()
    return last.reason if last else ""


def _cure(report: dict[str, Any]) -> str:
    failed = report.get("failed")
    cures = (s.get("cure", "") for s in report.get("steps", []) if s.get("step") == failed)
    return next(cures, "")

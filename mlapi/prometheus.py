"""What a Prometheus scraper reads: requests and predictions of this process, and the champions."""

import os
from collections.abc import Iterable, Iterator

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
    "Tasks that were asked for, by outcome (predicted, or why not).",
    ["outcome"],
    registry=PROCESS,
)
CONTENT_TYPE = CONTENT_TYPE_LATEST
_SCRAPED = ("text/plain", "application/openmetrics-text")


def is_scraper(request: HttpRequest) -> bool:
    """Whether the Accept header names one of Prometheus' formats."""
    return any(kind in request.META.get("HTTP_ACCEPT", "") for kind in _SCRAPED)


def note_request(route: str, method: str, status: int, seconds: float) -> None:
    """Count one answered request."""
    REQUESTS.labels(route, method, str(status)).inc()
    SECONDS.labels(route).observe(seconds)


def note_predictions(predicted: int, problems: dict[str, list]) -> None:
    """Count the tasks of one answer."""
    PREDICTED_TASKS.labels("predicted").inc(predicted)
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
    """The text. Counts of all projects together are for callers whose scope is not bound."""
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

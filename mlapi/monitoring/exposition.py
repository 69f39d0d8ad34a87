"""The text that a scraper of Prometheus reads."""

import os
from collections.abc import Iterable, Iterator

from django.db.models import QuerySet
from django.http import HttpRequest
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector

from registry.models import Project

from . import counters, state

CONTENT_TYPE = CONTENT_TYPE_LATEST
_SCRAPED = ("text/plain", "application/openmetrics-text")


def is_scraper(request: HttpRequest) -> bool:
    """Whether the Accept header names a format of Prometheus."""
    return any(kind in request.META.get("HTTP_ACCEPT", "") for kind in _SCRAPED)


class ChampionMetrics:
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


def exposition(projects: QuerySet[Project], champions: Iterable[dict], *, of_all: bool) -> bytes:
    """The text of a scrape; `of_all`, of callers whose scope is all, adds the installation's.

    `champions` are the values of `champion_metrics`.
    """
    registry = CollectorRegistry()
    registry.register(ChampionMetrics(champions))
    registry.register(state.Projects(projects))
    if not of_all:
        return generate_latest(registry)
    registry.register(state.Installation())
    return _of_web_processes() + generate_latest(registry)


def _of_web_processes() -> bytes:
    """The counters of all web processes of this server, also of those that have ended."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest(counters.PROCESS)
    shared = CollectorRegistry()
    MultiProcessCollector(shared)
    return generate_latest(shared)

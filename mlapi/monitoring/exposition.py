"""The text that a scraper of Prometheus reads."""

import os
from collections.abc import Iterable, Iterator

from django.http import HttpRequest
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector

from .counters import PROCESS

CONTENT_TYPE = CONTENT_TYPE_LATEST
_SCRAPED = ("text/plain", "application/openmetrics-text")


def is_scraper(request: HttpRequest) -> bool:
    """Whether the Accept header names a format of Prometheus."""
    return any(kind in request.META.get("HTTP_ACCEPT", "") for kind in _SCRAPED)


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

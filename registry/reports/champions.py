"""The champions of projects with their metrics, for monitoring."""

from typing import Any

from django.db.models import QuerySet

from registry.models import Metric, Project


def champion_metrics(projects: QuerySet[Project]) -> list[dict[str, Any]]:
    """Each champion with its whole metrics and baselines, as plain values; two queries."""
    serving = projects.filter(champion__isnull=False).order_by("pk")
    champions = [(p, p.champion) for p in serving if p.champion]
    by_version: dict[int, list[dict[str, Any]]] = {version.pk: [] for _, version in champions}
    metrics = Metric.objects.whole().filter(version__in=list(by_version))
    for metric in metrics.order_by("version", "target", "name", "split"):
        by_version[metric.version_id].append(
            {
                "target": metric.target,
                "name": metric.name,
                "split": metric.split,
                "value": metric.value,
                "n": metric.n,
            }
        )
    return [
        {
            "project": p.uid,
            "title": p.title,
            "version": version.label,
            "metrics": by_version[version.pk],
        }
        for p, version in champions
    ]

"""GET, POST /versions and GET /metrics: what has served, what serves, and how good it is."""

from collections.abc import Iterable
from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from rest_framework.request import Request

from mlapi import prometheus, serializers
from registry.models import Metric, ModelVersion, Project

from .base import ProtocolView, answered


class Versions(ProtocolView):
    """Newest first: of the project that is named, else of all in the caller's scope.

    Label Studio 1.23 asks with GET and names none; the first protocol asks with POST.
    """

    def get(self, request: Request) -> HttpResponse:
        return self._answer(request.query_params.get("project"))

    def post(self, request: Request) -> HttpResponse:
        return self._answer(serializers.as_object(request.data).get("project"))

    def _answer(self, project: Any) -> HttpResponse:
        projects = self.caller.projects()
        if project is not None:
            uid = serializers.project_uid(project)
            projects = projects.filter(uid=uid) if uid else projects.none()
        return answered({"versions": _labels(projects)})


class Metrics(ProtocolView):
    """Prometheus' text for a scraper, else JSON: each champion with its metrics."""

    def get(self, request: Request) -> HttpResponse:
        champions = _champions(self.caller.projects())
        if not prometheus.is_scraper(request):
            return answered({"champions": champions})
        text = prometheus.exposition(champions, with_process=not self.caller.is_bound)
        return HttpResponse(text, content_type=prometheus.CONTENT_TYPE)


def _labels(projects: QuerySet[Project]) -> list[str]:
    kept = ModelVersion.objects.filter(project__in=projects, archived_at__isnull=True)
    return list(kept.order_by("-created_at", "-pk").values_list("label", flat=True))


def _champions(projects: QuerySet[Project]) -> list[dict[str, Any]]:
    """Two queries: the projects with a champion, and the metrics of all champions."""
    serving = projects.filter(champion__isnull=False).order_by("pk")
    champions = [(p, p.champion) for p in serving if p.champion]
    by_version: dict[int, list[dict[str, Any]]] = {version.pk: [] for _, version in champions}
    for metric in _whole_metrics(by_version):
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


def _whole_metrics(versions: Iterable[int]) -> QuerySet[Metric]:
    """Those of a target or the whole version: classes and curves are left to REST."""
    whole = Metric.objects.filter(version__in=list(versions), label="")
    return whole.exclude(name="learning_curve").order_by("version", "target", "name", "split")

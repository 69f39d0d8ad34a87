"""GET, POST /versions and GET /metrics: what has served, what serves, and how good it is."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from rest_framework.request import Request

from mlapi import prometheus, serializers
from registry.models import ModelVersion, Project
from registry.reports.metrics import champion_metrics

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
        champions = champion_metrics(self.caller.projects())
        if not prometheus.is_scraper(request):
            return answered({"champions": champions})
        text = prometheus.exposition(champions, with_process=not self.caller.is_bound)
        return HttpResponse(text, content_type=prometheus.CONTENT_TYPE)


def _labels(projects: QuerySet[Project]) -> list[str]:
    kept = ModelVersion.objects.filter(project__in=projects, archived_at__isnull=True)
    return list(kept.order_by("-created_at", "-pk").values_list("label", flat=True))

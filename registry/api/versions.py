"""/api/versions/: what each learned and how good it is; promote, archive and annotate one."""

from typing import Any

from django.db.models import F, OuterRef, Subquery
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from registry.acts import champion, versions
from registry.models import Metric, ModelVersion

from .bodies import Reason
from .version_bodies import Note
from .version_filters import VersionFilter
from .version_reports import VersionReports
from .version_serializers import VersionDetailSerializer, VersionSerializer

_PRIMARY = Metric.objects.filter(
    version=OuterRef("pk"), target="", name="primary", split="holdout", label="", step=0
)


class Versions(VersionReports):
    """Immutable versions of the projects' models. Nothing deletes one."""

    queryset = ModelVersion.objects.annotate(
        champion_id=F("project__champion_id"),
        primary_value=Subquery(_PRIMARY.values("value")[:1]),
        primary_n=Subquery(_PRIMARY.values("n")[:1]),
    )
    serializer_class = VersionSerializer
    detail_serializer_class = VersionDetailSerializer
    filterset_class = VersionFilter
    ordering_fields = ("id", "number", "created_at", "artifact_bytes")
    search_fields = ("label", "note")
    narrow_by = ("project", "run")
    indexed = ("label", "champion", "archived", "load_failed")
    ordered_by = ("project",)
    acts = {
        name: name for name in ("promote", "archive", "unarchive", "note", "clear_load_failure")
    }
    reads = {"retrieve": (Metric,), **VersionReports.reads}

    def get_queryset(self) -> Any:
        if self.action == "list":
            return self.queryset.defer("environment")
        return self.queryset.prefetch_related("targets")

    @extend_schema(request=Reason, responses=VersionDetailSerializer)
    @action(detail=True, methods=["post"])
    def promote(self, request: Request, pk: int) -> Response:
        """Make the version the champion: it serves from now on."""
        champion.promote(self.get_object(), actor=self.actor, **self.given(Reason))
        return self.shown()

    @extend_schema(request=Reason, responses=VersionDetailSerializer)
    @action(detail=True, methods=["post"])
    def archive(self, request: Request, pk: int) -> Response:
        """Take the version out of the running: nothing promotes or falls back to it."""
        versions.archive(self.get_object(), actor=self.actor, **self.given(Reason))
        return self.shown()

    @extend_schema(request=Reason, responses=VersionDetailSerializer)
    @action(detail=True, methods=["post"])
    def unarchive(self, request: Request, pk: int) -> Response:
        """Put an archived version back into the running."""
        versions.unarchive(self.get_object(), actor=self.actor, **self.given(Reason))
        return self.shown()

    @extend_schema(request=Note, responses=VersionDetailSerializer)
    @action(detail=True, methods=["post"])
    def note(self, request: Request, pk: int) -> Response:
        """Write what a human has to say of the version; the note before stays in the act."""
        versions.note(self.get_object(), self.given(Note)["note"], actor=self.actor)
        return self.shown()

    @extend_schema(request=Reason, responses=VersionDetailSerializer)
    @action(detail=True, methods=["post"], url_path="clear-load-failure")
    def clear_load_failure(self, request: Request, pk: int) -> Response:
        """Let a version serve again that did not load, once its artifact is back as it was put."""
        versions.clear_load_failure(self.get_object(), actor=self.actor, **self.given(Reason))
        return self.shown()

"""/api/versions/: state, targets, metrics and reports of each; promote, archive and annotate."""

from typing import Any

import django_filters
from django.db.models import F, QuerySet
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from registry.models import AuditEntry, Metric, ModelVersion, Outcome, Project, Task, TrainingRun
from registry.reports import shown_models
from registry.reports.card import card, card_markdown
from registry.reports.compare import compare
from registry.reports.exemplars import exemplars
from registry.reports.tasks import mistakes

from .base import Resource
from .downloads import Markdown, Octets, Zip, dataset_response, download, export_response
from .filters import (
    AfterFilter,
    BeforeFilter,
    FlagFilter,
    IdFilter,
    LabelFilter,
    NumberFilter,
    PipelineFilter,
)
from .schema import ErrorSerializer
from .version_serializers import (
    CardSerializer,
    CompareQuery,
    DatasetQuery,
    ExemplarsQuery,
    LabelExemplarsSerializer,
    MistakeSerializer,
    MistakesQuery,
    VersionComparisonSerializer,
    VersionDetailSerializer,
    VersionSerializer,
)


class VersionFilter(django_filters.FilterSet):
    """By project, run, label, pipeline and state."""

    project = IdFilter("project_id")
    run = IdFilter("run_id")
    number = NumberFilter("number")
    label = django_filters.CharFilter()
    pipeline = PipelineFilter()
    recipe = django_filters.CharFilter()
    tag = LabelFilter("tags", label="One of its tags.")
    champion = FlagFilter(method="by_champion", label="Whether it is the champion.")
    archived = FlagFilter(field_name="archived_at", lookup_expr="isnull", exclude=True)
    load_failed = FlagFilter(field_name="load_failed_at", lookup_expr="isnull", exclude=True)
    created_after = AfterFilter("created_at")
    created_before = BeforeFilter("created_at")

    class Meta:
        model = ModelVersion
        fields: list[str] = []

    def by_champion(self, queryset: QuerySet, name: str, value: bool) -> QuerySet:
        """Champions, or the other versions."""
        serving = queryset.filter(project__champion=F("pk"))
        return serving if value else queryset.exclude(pk__in=serving.values("pk"))


_ON_A_CARD = (Project, TrainingRun, Metric, Outcome, Task, AuditEntry)


# Long or encrypted columns, which no list shows.
_LONG = [
    f"project__{name}"
    for name in ("label_config", "extra_params", "connection", "setup_token", "labelstudio_key")
]


class Versions(Resource):
    """The projects' model versions: immutable, and never deleted."""

    queryset = ModelVersion.objects.select_related("project")  # its champion decides the state
    serializer_class = VersionSerializer
    detail_serializer_class = VersionDetailSerializer
    filterset_class = VersionFilter
    ordering_fields = ("id", "number", "created_at", "artifact_bytes")
    search_fields = ("label", "note")
    narrow_by = ("project", "run")
    indexed = ("label", "tag", "champion", "archived", "load_failed")
    ordered_by = ("project",)
    reads = {
        "retrieve": (Metric,),
        "mistakes": shown_models.MISTAKES,
        "exemplars": shown_models.EXEMPLARS,
        "compare": shown_models.COMPARISON,
        "card": _ON_A_CARD,
        "card_as_markdown": _ON_A_CARD,
        "dataset": (Project, TrainingRun, Task),
        "export": shown_models.EXPORT,
    }

    def get_queryset(self) -> Any:
        if self.action == "list":
            return self.queryset.defer("environment", *_LONG)
        return self.queryset.select_related("run").prefetch_related("targets")

    @extend_schema(
        parameters=[MistakesQuery], responses=MistakeSerializer(many=True), filters=False
    )
    @action(detail=True, pagination_class=None)
    def mistakes(self, request: Request, pk: int) -> Response:
        """Wrong predictions, the highest score first."""
        found = mistakes(self.get_object(), **self.validated(MistakesQuery))
        return Response(MistakeSerializer(found, many=True).data)

    @extend_schema(
        parameters=[ExemplarsQuery], responses=LabelExemplarsSerializer(many=True), filters=False
    )
    @action(detail=True, pagination_class=None)
    def exemplars(self, request: Request, pk: int) -> Response:
        """Examples of each label: the tasks with its highest scores.

        Labels with most tasks first. Stored where labels are not learned from humans: the most
        central tasks of a cluster, and the tasks most similar to a label's references.
        """
        found = exemplars(self.get_object(), **self.validated(ExemplarsQuery))
        return Response(LabelExemplarsSerializer(found, many=True).data)

    @extend_schema(parameters=[CompareQuery], responses=VersionComparisonSerializer)
    @action(detail=True)
    def compare(self, request: Request, pk: int) -> Response:
        """This version (b) against another (a) of its project, on the tasks both were evaluated on.

        Each difference is b - a, with its 95 % interval.
        """
        version = self.get_object()
        other: ModelVersion = self.validated(CompareQuery, version=version)["with"]
        return Response(VersionComparisonSerializer(compare(other, version)).data)

    @extend_schema(responses=CardSerializer)
    @action(detail=True)
    def card(self, request: Request, pk: int) -> Response:
        """The version's card: metrics, classes, mistakes, comparison and lineage."""
        return Response(card(self.get_object()))

    @extend_schema(responses={(200, Markdown.media_type): OpenApiTypes.STR})
    @action(
        detail=True, url_path="card/markdown", url_name="card-markdown", renderer_classes=[Markdown]
    )
    def card_as_markdown(self, request: Request, pk: int) -> Response:
        """The card as Markdown, for a pull request or a wiki."""
        return Response(card_markdown(card(self.get_object())))

    @extend_schema(
        responses={
            (200, Octets.media_type): OpenApiResponse(
                OpenApiTypes.BINARY, "The file; `ETag` and `Repr-Digest` are its SHA-256."
            )
        }
    )
    @action(detail=True, renderer_classes=[Octets])
    def artifact(self, request: Request, pk: int) -> HttpResponseBase:
        """The artifact, verified against its SHA-256."""
        return download(request, self.get_object())

    @extend_schema(
        responses={
            (200, Zip.media_type): OpenApiResponse(
                OpenApiTypes.BINARY, "The zip; `ETag` and `Repr-Digest` are its SHA-256."
            ),
            (409, "application/json"): OpenApiResponse(
                ErrorSerializer, "The version predicts only inside the backend."
            ),
        }
    )
    @action(detail=True, renderer_classes=[Zip])
    def export(self, request: Request, pk: int) -> HttpResponseBase:
        """A folder that predicts without this backend, as a zip: an MLflow model.

        The same bytes each time, as long as no label of the version is renamed.
        """
        return export_response(request, self.get_object())

    @extend_schema(
        parameters=[DatasetQuery],
        responses={(200, Octets.media_type): OpenApiResponse(OpenApiTypes.BINARY, "The file.")},
        filters=False,
    )
    @action(detail=True, renderer_classes=[Octets])
    def dataset(self, request: Request, pk: int) -> HttpResponseBase:
        """The tasks and labels that it learned from, and its holdout.

        Labels and splits are those of the training, data those of today: a task's `state` says
        whether its input has changed since or the task was deleted, which then has no data.
        """
        return dataset_response(self.get_object(), self.validated(DatasetQuery)["as"])

"""/api/projects/: settings, champion and metrics over time; roll back."""

from typing import Any

import django_filters
from django.db.models import Prefetch
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from registry.actions.operator.configure import Configure
from registry.models import Metric, ModelVersion, Outcome, Project, Task
from registry.models.project import PromotionRule
from registry.reports.annotators import agreement
from registry.reports.auto_accept import auto_accept
from registry.reports.series import metric_series, prequential_series
from registry.reports.suspect_labels import suspect_labels
from registry.reports.tasks import label_next, similar

from .base import Resource
from .filters import AfterFilter, BeforeFilter, FlagFilter, PipelineFilter
from .project_serializers import (
    AgreementSerializer,
    AutoAcceptQuery,
    AutoAcceptSerializer,
    LabelNextQuery,
    MetricPointSerializer,
    MetricQuery,
    NextTaskSerializer,
    PrequentialDaySerializer,
    PrequentialQuery,
    ProjectDetailSerializer,
    ProjectSerializer,
    ProjectSettings,
    SimilarQuery,
    SimilarTaskSerializer,
    SuspectLabelsQuery,
    SuspectLabelsSerializer,
)
from .schema import ErrorSerializer

_CONTROLS = "controls"  # the options of single controls, among those of the project


class ProjectFilter(django_filters.FilterSet):
    """By identity, pipeline and champion."""

    uid = django_filters.CharFilter()
    hostname = django_filters.CharFilter()
    pipeline = PipelineFilter()
    promotion_rule = django_filters.ChoiceFilter(choices=PromotionRule.choices)
    archived = FlagFilter(field_name="archived_at", lookup_expr="isnull", exclude=True)
    has_champion = FlagFilter(field_name="champion", lookup_expr="isnull", exclude=True)
    created_after = AfterFilter("created_at")
    created_before = BeforeFilter("created_at")

    class Meta:
        model = Project
        fields: list[str] = []


class Projects(Resource):
    """The projects of Label Studio in the registry."""

    queryset = Project.objects.select_related("champion").defer(
        "champion__environment", "champion__note", "champion__load_error"
    )
    serializer_class = ProjectSerializer
    detail_serializer_class = ProjectDetailSerializer
    filterset_class = ProjectFilter
    ordering_fields = ("id", "title", "created_at", "updated_at")
    search_fields = ("title", "uid", "hostname")
    actions_by_route = {"partial_update": Configure()}
    reads = {
        "metrics": (Metric,),
        "prequential": (Outcome,),
        "label_next": (Task,),
        "auto_accept": (Outcome, Task),
        "suspect_labels": (Task, Outcome),
        "annotators": (Task, Outcome),
        "similar": (Task,),
    }

    def get_queryset(self) -> Any:
        if self.action != "list":
            return self.queryset.all()
        # By key: for a join with many projects PostgreSQL would read every version.
        champions = ModelVersion.objects.defer("environment", "note", "load_error")
        return Project.objects.defer("label_config").prefetch_related(
            Prefetch("champion", champions)
        )

    @extend_schema(request=ProjectSettings, responses=ProjectDetailSerializer)
    def partial_update(self, request: Request, pk: int) -> Response:
        """Change the project's policy, options, promotion rule and error budget.

        A setting that `policy` or `options` omits stays unchanged; null resets it to its default.
        So does an option of a control under `controls`; null for a control takes all of its own.
        """
        project = self.get_object()
        values = self.validated(ProjectSettings)
        for name in ("policy", "options"):
            if name in values:
                values[name] = _changed(getattr(project, name), values[name])
        Configure().execute(project, values, self.caller)
        return self.current_row()

    @extend_schema(
        parameters=[MetricQuery], responses=MetricPointSerializer(many=True), filters=False
    )
    @action(detail=True, pagination_class=None)
    def metrics(self, request: Request, pk: int) -> Response:
        """One metric over the project's versions, oldest first, with its baseline."""
        project = self.get_object()
        query = self.validated(MetricQuery, project=project)
        return Response(MetricPointSerializer(metric_series(project, **query), many=True).data)

    @extend_schema(
        parameters=[PrequentialQuery], responses=PrequentialDaySerializer(many=True), filters=False
    )
    @action(detail=True, pagination_class=None)
    def prequential(self, request: Request, pk: int) -> Response:
        """Accuracy per day of the served versions, on labels made after their predictions."""
        query = self.validated(PrequentialQuery)
        return Response(
            PrequentialDaySerializer(prequential_series(self.get_object(), **query), many=True).data
        )

    @extend_schema(
        parameters=[LabelNextQuery], responses=NextTaskSerializer(many=True), filters=False
    )
    @action(detail=True, pagination_class=None, url_path="label-next")
    def label_next(self, request: Request, pk: int) -> Response:
        """Unlabelled tasks, those with the champion's smallest margins first, a share at random.

        Empty without a champion, and until the workers have scored the tasks with it.
        """
        found = label_next(self.get_object(), **self.validated(LabelNextQuery))
        return Response(NextTaskSerializer(found, many=True).data)

    @extend_schema(parameters=[AutoAcceptQuery], responses=AutoAcceptSerializer, filters=False)
    @action(detail=True, url_path="auto-accept")
    def auto_accept(self, request: Request, pk: int) -> Response:
        """The score from which the champion's predictions can be accepted without a look.

        With 95 % confidence at most `budget` of the predictions from `threshold` on are wrong.
        """
        found = auto_accept(self.get_object(), **self.validated(AutoAcceptQuery))
        return Response(AutoAcceptSerializer(found).data)

    @extend_schema(
        parameters=[SuspectLabelsQuery], responses=SuspectLabelsSerializer, filters=False
    )
    @action(detail=True, pagination_class=None, url_path="suspect-labels")
    def suspect_labels(self, request: Request, pk: int) -> Response:
        """Labels that look wrong: contradicted with confidence by a version that had not seen them.

        The highest score first, with how often people changed such labels to the prediction.
        """
        found = suspect_labels(self.get_object(), **self.validated(SuspectLabelsQuery))
        return Response(SuspectLabelsSerializer(found).data)

    @extend_schema(responses=AgreementSerializer, filters=False)
    @action(detail=True, pagination_class=None)
    def annotators(self, request: Request, pk: int) -> Response:
        """How the annotators agree with each other, and each with the champion, by target.

        Of the labelled tasks that changed last, as many as `limit` at most.
        """
        return Response(AgreementSerializer(agreement(self.get_object())).data)

    @extend_schema(
        parameters=[SimilarQuery],
        responses={
            200: SimilarTaskSerializer(many=True),
            409: OpenApiResponse(ErrorSerializer, "The task has no features."),
        },
        filters=False,
    )
    @action(detail=True, pagination_class=None)
    def similar(self, request: Request, pk: int) -> Response:
        """The tasks whose images are most similar to a task's, highest cosine first.

        Available with every pipeline, once the task has features.
        """
        project = self.get_object()
        query = self.validated(SimilarQuery, project=project)
        query["task"].project = project
        return Response(SimilarTaskSerializer(similar(**query), many=True).data)


def _changed(current: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    merged = current | changes
    if isinstance(changes.get(_CONTROLS), dict):
        merged[_CONTROLS] = _changed_controls(current.get(_CONTROLS, {}), changes[_CONTROLS])
    return {name: value for name, value in merged.items() if value is not None}


def _changed_controls(current: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """The options of each control; what is no object is left to be refused."""
    merged = current | changes
    for name, options in changes.items():
        if isinstance(options, dict):
            merged[name] = _changed(current.get(name, {}), options)
    return merged

"""/api/runs/: training runs; start, cancel and retry one."""

from typing import Any

import django_filters
from django.db.models import F
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from registry.actions.operator.train import Train
from registry.models import Project, TrainingRun
from registry.models.run import RunKind, RunState

from .base import Resource
from .filters import AfterFilter, BeforeFilter, FlagFilter, IdFilter
from .serializers import OptionalReason, VersionReference

_LONG = (
    *("parameters", "dataset_counts", "candidates", "statements", "phases"),
    *("log", "comparison"),
)


class RunErrorSerializer(serializers.Serializer):
    """Why a run failed, and the cure."""

    code = serializers.CharField(source="error_code")
    message = serializers.CharField(source="error", allow_blank=True)
    hint = serializers.CharField(allow_blank=True)


class RunSerializer(serializers.ModelSerializer):
    """A run and its progress, without its long columns."""

    version = serializers.SerializerMethodField(help_text="The version that the run registered.")
    same_as = serializers.SerializerMethodField(
        help_text="The champion that it has found again; then it made no version."
    )
    has_follow_up = serializers.SerializerMethodField(
        help_text="A start came after it had read the labels: the next run is queued when it ends."
    )
    error = serializers.SerializerMethodField()

    class Meta:
        model = TrainingRun
        fields = [
            *("id", "project", "kind", "state", "trigger", "actor", "retry_of", "version"),
            "same_as",
            *("phase", "progress", "worker", "heartbeat_at", "cancel_requested", "has_follow_up"),
            "error",
            *("created_at", "started_at", "ended_at"),
        ]
        read_only_fields = fields

    @extend_schema_field(VersionReference(allow_null=True))
    def get_version(self, run: Any) -> dict | None:
        if run.version_id is None:
            return None
        return {"id": run.version_id, "label": run.version_label}

    @extend_schema_field(VersionReference(allow_null=True))
    def get_same_as(self, run: Any) -> dict | None:
        if run.same_as_id is None:
            return None
        return {"id": run.same_as_id, "label": run.same_as_label}

    def get_has_follow_up(self, run: TrainingRun) -> bool:
        return run.is_active and run.follow_up is not None

    @extend_schema_field(RunErrorSerializer(allow_null=True))
    def get_error(self, run: TrainingRun) -> dict | None:
        return RunErrorSerializer(run).data if run.error_code else None


class RunDetailSerializer(RunSerializer):
    """A run with its dataset, statements, log and comparison."""

    parameters = serializers.JSONField()
    dataset_counts = serializers.JSONField()
    candidates = serializers.JSONField(
        help_text="The candidates of model selection, with their scores."
    )
    statements = serializers.JSONField(help_text="EvaDB statements as executed.")
    phases = serializers.JSONField(help_text="[{name, started_at, seconds}]")
    comparison = serializers.JSONField(help_text="Candidate and champion on the same tasks.")

    class Meta(RunSerializer.Meta):
        fields = [
            *RunSerializer.Meta.fields,
            *("dataset_fingerprint", "snapshot_at"),
            *_LONG,
        ]
        read_only_fields = fields


class NewRun(OptionalReason):  # type: ignore[misc, valid-type]
    """The project to train."""

    project = serializers.PrimaryKeyRelatedField(queryset=Project.objects.all())


class RunFilter(django_filters.FilterSet):
    """By project, state, outcome and time."""

    project = IdFilter("project_id")
    state = django_filters.MultipleChoiceFilter(choices=RunState.choices, distinct=False)
    kind = django_filters.ChoiceFilter(choices=RunKind.choices)
    trigger = django_filters.ChoiceFilter(choices=TrainingRun.Trigger.choices)
    error_code = django_filters.CharFilter()
    has_version = FlagFilter(field_name="version", lookup_expr="isnull", exclude=True)
    created_after = AfterFilter("created_at")
    created_before = BeforeFilter("created_at")

    class Meta:
        model = TrainingRun
        fields: list[str] = []


class Runs(Resource):
    """Training runs. A project has at most one active run of each kind."""

    queryset = TrainingRun.objects.annotate(
        version_id=F("version__id"),
        version_label=F("version__label"),
        same_as_label=F("same_as__label"),
    )
    serializer_class = RunSerializer
    detail_serializer_class = RunDetailSerializer
    filterset_class = RunFilter
    ordering_fields = ("id", "created_at", "started_at", "ended_at")
    search_fields = ("error", "error_code")
    narrow_by = ("project",)
    indexed = ("kind", "state", "trigger", "error_code")
    actions_by_route = {"create": Train()}

    def get_queryset(self):
        return self.queryset.defer(*_LONG) if self.action == "list" else self.queryset.all()

    @extend_schema(request=NewRun, responses={201: RunDetailSerializer, 200: RunDetailSerializer})
    def create(self, request: Request) -> Response:
        """Queue a run (201), or return the project's active training (200).

        If labels have changed since that one read them, the next run is queued when it ends
        (`has_follow_up`).
        """
        values = self.validated(NewRun)
        return self.answer(Train().execute(values.pop("project"), values, self.caller))

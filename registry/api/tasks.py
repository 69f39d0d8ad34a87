"""/api/tasks/: the mirror of Label Studio's tasks, and their thumbnails."""

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
    extend_schema_field,
)
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request

from registry.engine import engine
from registry.models import Project, Task
from registry.models.task import Split
from registry.reports.tasks import task_views

from .base import Resource
from .downloads import Jpeg, download_slot, jpeg_response
from .filters import AfterFilter, BeforeFilter, FlagFilter, IdFilter
from .schema import ErrorSerializer
from .serializers import TaskViewSerializer

_LONG = ("data", "annotations")


class TaskSerializer(serializers.ModelSerializer):
    """A task and the labels derived from its annotations."""

    labels = serializers.DictField(
        help_text="Consensus of the annotations by control, as its kind has it: a label, or a "
        "sorted list of labels."
    )
    ties = serializers.ListField(
        child=serializers.CharField(), help_text="Controls without consensus."
    )

    class Meta:
        model = Task
        fields = [
            *("id", "labelstudio_id", "project", "labels", "ties", "split"),
            *("total_annotations", "labels_changed_at", "source_updated_at"),
            *("created_at", "deleted_at"),
        ]
        read_only_fields = fields


class TaskDetailSerializer(TaskSerializer):
    """A task with its content."""

    content = serializers.SerializerMethodField()

    class Meta(TaskSerializer.Meta):
        fields = [*TaskSerializer.Meta.fields, "content"]
        read_only_fields = fields

    @extend_schema_field(TaskViewSerializer)
    def get_content(self, task: Task) -> Any:
        return TaskViewSerializer(task_views(task.project, [task])[0]).data


class TaskFilter(django_filters.FilterSet):
    """By project, and within it by split, labels and time."""

    project = IdFilter("project_id")
    labelstudio_id = IdFilter("labelstudio_id", label="Label Studio's id.")
    split = django_filters.ChoiceFilter(choices=Split.choices)
    labelled = FlagFilter(method="with_labels", label="Whether it has a usable label.")
    deleted = FlagFilter(field_name="deleted_at", lookup_expr="isnull", exclude=True)
    labels_changed_after = AfterFilter("labels_changed_at")
    labels_changed_before = BeforeFilter("labels_changed_at")

    class Meta:
        model = Task
        fields: list[str] = []

    def with_labels(self, queryset: QuerySet, name: str, value: bool) -> QuerySet:
        """Tasks with a usable label, or the others."""
        return queryset.exclude(labels={}) if value else queryset.filter(labels={})


class Tasks(Resource):
    """The mirrored tasks of Label Studio's projects."""

    queryset = Task.objects.defer(*_LONG)
    serializer_class = TaskSerializer
    detail_serializer_class = TaskDetailSerializer
    filterset_class = TaskFilter
    ordering_fields = ("id", "labelstudio_id", "labels_changed_at")
    narrow_by = ("project",)
    indexed = ("labelstudio_id", "deleted")
    ordered_by = ("project",)
    reads = {"retrieve": (Project,), "thumbnail": (Project,)}

    def get_queryset(self) -> Any:
        if self.action == "list":
            return self.queryset.all()
        return Task.objects.select_related("project").defer("annotations")

    @extend_schema(
        parameters=[
            OpenApiParameter(
                "size", enum=["small", "large"], description="160 or 480 pixels on the longer side."
            )
        ],
        responses={
            (200, Jpeg.media_type): OpenApiResponse(OpenApiTypes.BINARY, "The thumbnail."),
            (404, "application/json"): OpenApiResponse(
                ErrorSerializer, "The task does not exist, or its image is unavailable."
            ),
            (503, "application/json"): OpenApiResponse(
                ErrorSerializer, "Too many thumbnails are being downloaded."
            ),
        },
    )
    @action(detail=True, renderer_classes=[Jpeg])
    def thumbnail(self, request: Request, pk: int) -> HttpResponseBase:
        """The task's image as a small JPEG."""
        task = self.get_object()
        with download_slot():
            content = engine().thumbnail(task, large=request.query_params.get("size") == "large")
        return jpeg_response(request, content)

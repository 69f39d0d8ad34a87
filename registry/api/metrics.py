"""/api/metrics/: the metrics of versions."""

import django_filters
from rest_framework import serializers

from registry.models import Metric

from .base import Resource
from .filters import FlagFilter, IdFilter, NumberFilter


class MetricSerializer(serializers.ModelSerializer):
    """A metric of a version."""

    class Meta:
        model = Metric
        fields = ["id", "version", "target", "name", "split", "label", "step", "value", "n"]
        read_only_fields = fields
        extra_kwargs = {
            "target": {"help_text": "Empty: the whole version."},
            "label": {"help_text": "The class, for a value of one class."},
            "step": {
                "help_text": "The x of a curve, training examples; or the k of precision at k."
            },
            "n": {"help_text": "Examples behind the value."},
        }


class MetricFilter(django_filters.FilterSet):
    """By version, name, target, split and label."""

    version = IdFilter("version_id")
    name = django_filters.CharFilter()
    target = django_filters.CharFilter()
    whole = FlagFilter(field_name="target", lookup_expr="exact", method="of_the_whole_version")
    split = django_filters.CharFilter()
    label = django_filters.CharFilter()
    step = NumberFilter("step")

    class Meta:
        model = Metric
        fields: list[str] = []

    def of_the_whole_version(self, queryset, name, value):
        """Those without a target, or only those with one."""
        return queryset.filter(target="") if value else queryset.exclude(target="")


class Metrics(Resource):
    """The metrics of versions; for a series over a project's versions see the project."""

    queryset = Metric.objects.all()
    serializer_class = MetricSerializer
    filterset_class = MetricFilter
    ordering_fields = ("id", "name", "step", "value", "n")
    search_fields = ("name", "target", "label")
    narrow_by = ("version",)

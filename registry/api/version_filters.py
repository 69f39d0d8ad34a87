"""What the list of versions can be asked."""

import django_filters
from django.db.models import F, QuerySet

from registry.models import ModelVersion

from .filters import AfterFilter, BeforeFilter, FlagFilter, IdFilter, NumberFilter


class VersionFilter(django_filters.FilterSet):
    """By project, run, label, pipeline and state."""

    project = IdFilter("project_id")
    run = IdFilter("run_id")
    number = NumberFilter("number")
    label = django_filters.CharFilter()
    pipeline = django_filters.CharFilter()
    recipe = django_filters.CharFilter()
    champion = FlagFilter(method="that_serve", label="Whether it serves now.")
    archived = FlagFilter(field_name="archived_at", lookup_expr="isnull", exclude=True)
    load_failed = FlagFilter(field_name="load_failed_at", lookup_expr="isnull", exclude=True)
    created_after = AfterFilter("created_at")
    created_before = BeforeFilter("created_at")

    class Meta:
        model = ModelVersion
        fields: list[str] = []

    def that_serve(self, queryset: QuerySet, name: str, value: bool) -> QuerySet:
        """Champions, or all the others."""
        serving = queryset.filter(project__champion=F("pk"))
        return serving if value else queryset.exclude(pk__in=serving.values("pk"))

"""/api/audit-entries/: the audit trail."""

import django_filters
from django.db.models import QuerySet
from rest_framework import serializers

from registry.models import AuditEntry
from registry.reports.version_history import is_on

from .base import Resource
from .filters import AfterFilter, BeforeFilter, IdFilter
from .serializers import VersionReference


class AuditEntrySerializer(serializers.ModelSerializer):
    """An audit entry: actor, verb, versions before and after, reason, numbers."""

    version = VersionReference(allow_null=True)
    from_version = VersionReference(allow_null=True)
    to_version = VersionReference(allow_null=True)
    numbers = serializers.JSONField()

    class Meta:
        model = AuditEntry
        fields = [
            *("id", "project", "verb", "actor", "reason", "version"),
            *("from_version", "to_version", "run", "numbers", "at"),
        ]
        read_only_fields = fields


class AuditEntryFilter(django_filters.FilterSet):
    """Audit entries by project, version, run, verb, actor and time."""

    project = IdFilter("project_id")
    version = IdFilter("version_id", method="on_version")
    run = IdFilter("run_id")
    verb = django_filters.CharFilter()
    actor = django_filters.CharFilter()
    at_after = AfterFilter("at")
    at_before = BeforeFilter("at")

    class Meta:
        model = AuditEntry
        fields: list[str] = []

    def on_version(self, queryset: QuerySet, name: str, value: int) -> QuerySet:
        """Include the moves of the champion away from the version, as in the admin."""
        return queryset.filter(is_on(value))


class AuditEntries(Resource):
    """The audit entries, append-only.

    Those of a version include the moves of the champion away from it.
    """

    queryset = AuditEntry.objects.select_related("version", "from_version", "to_version").only(
        *("project_id", "verb", "actor", "reason", "run_id", "numbers", "at"),
        *("version__label", "from_version__label", "to_version__label"),
    )
    serializer_class = AuditEntrySerializer
    filterset_class = AuditEntryFilter
    search_fields = ("reason", "actor", "verb")
    narrow_by = ("project", "version", "run")
    indexed = ("verb", "actor")
    ordered_by = ("project",)

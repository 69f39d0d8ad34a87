"""The serializers of /api/versions/: a version, and its requests."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from registry.models import ModelVersion, Outcome, Target
from registry.models.version import VersionState

from .serializers import Body


class MistakesQuery(Body):
    """The target and source of the mistakes, and their number."""

    target = serializers.CharField(max_length=255, required=False, help_text="Left out: of all.")
    source = serializers.ChoiceField(  # type: ignore[assignment]
        choices=Outcome.Source.choices, default=Outcome.Source.HOLDOUT
    )
    limit = serializers.IntegerField(min_value=1, max_value=500, default=20)


class ExemplarsQuery(Body):
    """The target and label, and the number of examples of each."""

    target = serializers.CharField(max_length=255, required=False, help_text="Left out: of all.")
    label = serializers.CharField(  # type: ignore[assignment]
        max_length=500, required=False, help_text="Left out: of all."
    )
    limit = serializers.IntegerField(min_value=1, max_value=100, default=12)


class CompareQuery(Body):
    """The other version, of the same project."""

    def get_fields(self) -> dict[str, serializers.Field]:
        """Adds `with`, a keyword of Python, which cannot be an attribute."""
        version = self.context.get("version")
        same_project = ModelVersion.objects.filter(project=version.project_id if version else None)
        return {"with": serializers.PrimaryKeyRelatedField(queryset=same_project)}


class PrimarySerializer(serializers.Serializer):
    """The primary metric on the version's own holdout; value null: not evaluated."""

    metric = serializers.CharField(help_text="What it is the mean of, such as macro_f1.")
    value = serializers.FloatField(allow_null=True)
    n = serializers.IntegerField()


class VersionSerializer(serializers.ModelSerializer):
    """A version, its state and its primary metric."""

    state = serializers.ChoiceField(choices=VersionState.choices, read_only=True)
    primary = serializers.SerializerMethodField()

    class Meta:
        model = ModelVersion
        fields = [
            *("id", "project", "number", "label", "state", "primary", "run", "pipeline"),
            *("recipe", "fingerprint", "extractor", "artifact_bytes", "artifact_sha256", "note"),
            *("created_at", "archived_at", "load_failed_at", "load_error"),
        ]
        read_only_fields = fields

    @extend_schema_field(PrimarySerializer)
    def get_primary(self, version: Any) -> dict[str, Any]:
        return {
            "metric": version.primary_metric,
            "value": version.primary_value,
            "n": version.primary_n,
        }


class TargetSerializer(serializers.ModelSerializer):
    """A control tag that the version fills, or why not."""

    labels = serializers.ListField(child=serializers.CharField())

    class Meta:
        model = Target
        fields = [
            *("name", "object_name", "object_tag", "field", "kind", "labels"),
            *("trained", "untrained_reason"),
        ]
        read_only_fields = fields


class VersionDetailSerializer(VersionSerializer):
    """A version with its targets, and the packages that it was trained with."""

    targets = TargetSerializer(many=True)
    environment = serializers.JSONField()

    class Meta(VersionSerializer.Meta):
        fields = [*VersionSerializer.Meta.fields, "targets", "environment"]
        read_only_fields = fields

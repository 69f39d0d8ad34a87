"""What the routes of a version are told."""

from rest_framework import serializers

from registry.models import ModelVersion, Outcome

from .serializers import Body


class MistakesQuery(Body):
    """Which mistakes, and how many."""

    target = serializers.CharField(max_length=255, required=False, help_text="Left out: of all.")
    source = serializers.ChoiceField(  # type: ignore[assignment]
        choices=Outcome.Source.choices, default=Outcome.Source.HOLDOUT
    )
    limit = serializers.IntegerField(min_value=1, max_value=500, default=20)


class ExemplarsQuery(Body):
    """Of which label, and how many of each."""

    target = serializers.CharField(max_length=255, required=False, help_text="Left out: of all.")
    label = serializers.CharField(  # type: ignore[assignment]
        max_length=500, required=False, help_text="Left out: of all."
    )
    limit = serializers.IntegerField(min_value=1, max_value=100, default=12)


class CompareQuery(Body):
    """With which version of the same project."""

    def get_fields(self) -> dict[str, serializers.Field]:
        """Adds `with`, a keyword of Python, which cannot be an attribute."""
        version = self.context.get("version")
        same_project = ModelVersion.objects.filter(project=version.project_id if version else None)
        return {"with": serializers.PrimaryKeyRelatedField(queryset=same_project)}

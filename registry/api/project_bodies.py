"""What the routes of a project are told."""

from rest_framework import serializers

from registry.models import Task
from registry.models.project import PromotionRule

from .serializers import Body, OptionalReason

MAX_DAYS = 366


class Settings(OptionalReason):  # type: ignore[misc, valid-type]
    """How the project learns and promotes. At least one of the three."""

    policy = serializers.DictField(
        required=False, help_text="When it trains; the project shows all that can be set."
    )
    options = serializers.DictField(required=False, help_text="Those of the project's pipeline.")
    promotion_rule = serializers.ChoiceField(required=False, choices=PromotionRule.choices)


class MetricQuery(Body):
    """Which metric."""

    name = serializers.CharField(
        max_length=64, default="primary", help_text="Such as macro_f1, accuracy, log_loss."
    )
    target = serializers.CharField(
        max_length=255,
        required=False,
        allow_blank=True,
        default="",
        help_text="Left out: of the whole version, else the mean over its targets.",
    )


class PrequentialQuery(Body):
    """How far back."""

    days = serializers.IntegerField(min_value=1, max_value=MAX_DAYS, default=90)


class SimilarQuery(Body):
    """To which task of the project, and how many."""

    k = serializers.IntegerField(min_value=1, max_value=100, default=10)

    def get_fields(self) -> dict[str, serializers.Field]:
        """Restricts the task to the project's own."""
        project = self.context.get("project")
        own = Task.objects.filter(project=project).defer("annotations")
        return {"task": serializers.PrimaryKeyRelatedField(queryset=own), **super().get_fields()}


class LabelNextQuery(Body):
    """How many, and how many before them to leave out."""

    limit = serializers.IntegerField(min_value=1, max_value=500, default=20)
    offset = serializers.IntegerField(min_value=0, max_value=100_000, default=0)

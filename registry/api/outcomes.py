"""/api/outcomes/: predictions beside human labels."""

import django_filters
from rest_framework import serializers

from registry.models import Outcome

from .base import Resource
from .filters import FlagFilter, IdFilter, LabelFilter
from .serializers import TaskReference, VersionReference

SOURCES = Outcome.Source.choices


class OutcomeSerializer(serializers.ModelSerializer):
    """A prediction for a task, and whether it was correct."""

    version = VersionReference()
    task = TaskReference()
    predicted = serializers.JSONField(
        allow_null=True, help_text="A label, or a sorted list of labels; null: no answer."
    )
    human = serializers.JSONField(help_text="A label, or a sorted list of labels.")

    class Meta:
        model = Outcome
        fields = [
            *("id", "version", "task", "target", "source"),
            *("predicted", "score", "human", "correct", "at"),
        ]
        read_only_fields = fields


class OutcomeFilter(django_filters.FilterSet):
    """By version or task, and within one by human label and prediction."""

    version = IdFilter("version_id")
    task = IdFilter("task_id")
    target = django_filters.CharFilter()
    source = django_filters.ChoiceFilter(choices=SOURCES)
    correct = FlagFilter()
    human = LabelFilter("human", label="A label that humans gave.")
    predicted = LabelFilter("predicted", label="A label that the version answered.")

    class Meta:
        model = Outcome
        fields: list[str] = []


class Outcomes(Resource):
    """Predictions for tasks: on the holdout, and on labels that were made after them."""

    queryset = Outcome.objects.select_related("version", "task").only(
        *("target", "source", "predicted", "score", "human", "correct", "at"),
        *("version__label", "task__labelstudio_id"),
    )
    serializer_class = OutcomeSerializer
    filterset_class = OutcomeFilter
    ordering_fields = ("id", "score", "at")
    narrow_by = ("version", "task")
    indexed = ("source",)

"""/api/metrics/, outcomes/, events/ and audit-entries/: read-only records."""

import django_filters
from django.db.models import QuerySet
from rest_framework import serializers

from registry.models import AuditEntry, Event, Metric, Outcome
from registry.models.event import EventStatus
from registry.reports.version_history import concerns_version

from .base import Resource
from .filters import AfterFilter, BeforeFilter, FlagFilter, IdFilter, LabelFilter, NumberFilter
from .serializers import TaskReference, VersionReference


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
        """Metrics without a target, or those with one."""
        return queryset.filter(target="") if value else queryset.exclude(target="")


class Metrics(Resource):
    """The metrics of versions; for a series over a project's versions see the project."""

    queryset = Metric.objects.all()
    serializer_class = MetricSerializer
    filterset_class = MetricFilter
    ordering_fields = ("id", "name", "step", "value", "n")
    search_fields = ("name", "target", "label")
    narrow_by = ("version",)


OUTCOME_SOURCES = Outcome.Source.choices


class OutcomeSerializer(serializers.ModelSerializer):
    """A prediction for a task, and whether it was correct."""

    version = VersionReference()
    task = TaskReference()
    predicted = serializers.JSONField(
        allow_null=True,
        help_text="As the target's kind has it: a label, or a sorted list; null: no prediction.",
    )
    human = serializers.JSONField(
        help_text="As the target's kind has it: a label, or a sorted list of labels."
    )

    class Meta:
        model = Outcome
        fields = [
            *("id", "version", "task", "target", "source"),
            *("predicted", "predicted_classes", "score", "human", "human_classes"),
            *("correct", "at"),
        ]
        read_only_fields = fields


class OutcomeFilter(django_filters.FilterSet):
    """By version or task, and within one by human label and prediction."""

    version = IdFilter("version_id")
    task = IdFilter("task_id")
    target = django_filters.CharFilter()
    source = django_filters.ChoiceFilter(choices=OUTCOME_SOURCES)
    correct = FlagFilter()
    human = LabelFilter("human_classes", label="A human label.")
    predicted = LabelFilter("predicted_classes", label="A predicted label.")

    class Meta:
        model = Outcome
        fields: list[str] = []


class Outcomes(Resource):
    """Predictions with the human label: of holdout tasks, and of tasks that were labelled later."""

    queryset = Outcome.objects.select_related("version", "task").only(
        *("target", "source", "predicted", "score", "human", "correct", "at"),
        *("predicted_classes", "human_classes"),
        *("version__label", "task__labelstudio_id"),
    )
    serializer_class = OutcomeSerializer
    filterset_class = OutcomeFilter
    ordering_fields = ("id", "score", "at")
    narrow_by = ("version", "task")
    indexed = ("source",)


EVENT_SOURCES = Event.Source.choices


class EventSerializer(serializers.ModelSerializer):
    """An event without its payload."""

    class Meta:
        model = Event
        fields = [
            *("id", "project", "source", "action", "status", "outcome", "run"),
            *("request_id", "received_at", "processed_at"),
        ]
        read_only_fields = fields


class EventDetailSerializer(EventSerializer):
    """An event with its payload, without secrets."""

    payload = serializers.JSONField()

    class Meta(EventSerializer.Meta):
        fields = [*EventSerializer.Meta.fields, "payload"]
        read_only_fields = fields


class EventFilter(django_filters.FilterSet):
    """By project, run, source, action, status, request and time."""

    project = IdFilter("project_id")
    run = IdFilter("run_id")
    source = django_filters.ChoiceFilter(choices=EVENT_SOURCES)
    action = django_filters.CharFilter()
    status = django_filters.ChoiceFilter(choices=EventStatus.choices)
    request_id = django_filters.CharFilter()
    received_after = AfterFilter("received_at")
    received_before = BeforeFilter("received_at")

    class Meta:
        model = Event
        fields: list[str] = []


class Events(Resource):
    """Events received from Label Studio, with their outcomes."""

    queryset = Event.objects.all()
    serializer_class = EventSerializer
    detail_serializer_class = EventDetailSerializer
    filterset_class = EventFilter
    search_fields = ("action", "outcome")
    narrow_by = ("project", "run")
    indexed = ("status", "action", "request_id")
    ordered_by = ("project",)

    def get_queryset(self):
        return self.queryset.defer("payload") if self.action == "list" else self.queryset.all()


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
        return queryset.filter(concerns_version(value))


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

"""/api/events/: what came from Label Studio, and what became of it."""

import django_filters
from rest_framework import serializers

from registry.models import Event
from registry.models.event import EventStatus

from .base import Resource
from .filters import AfterFilter, BeforeFilter, IdFilter

SOURCES = Event.Source.choices


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
    """An event with its payload, whose secrets were never stored."""

    payload = serializers.JSONField()

    class Meta(EventSerializer.Meta):
        fields = [*EventSerializer.Meta.fields, "payload"]
        read_only_fields = fields


class EventFilter(django_filters.FilterSet):
    """By project or run, and within it by what came and when."""

    project = IdFilter("project_id")
    run = IdFilter("run_id")
    source = django_filters.ChoiceFilter(choices=SOURCES)
    action = django_filters.CharFilter()
    status = django_filters.ChoiceFilter(choices=EventStatus.choices)
    request_id = django_filters.CharFilter()
    received_after = AfterFilter("received_at")
    received_before = BeforeFilter("received_at")

    class Meta:
        model = Event
        fields: list[str] = []


class Events(Resource):
    """What came, when, and what became of it."""

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

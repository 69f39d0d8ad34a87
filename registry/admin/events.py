"""Events in the admin: what was received, when, and its outcome."""

from typing import Any

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest
from unfold.decorators import display

from registry.formatting import exact_time
from registry.models import Event

from .badges import EVENT_COLOURS, state_badge
from .base import as_json, is_list, link
from .lists import PROJECT, LongListAdmin, of_project


def _of_request(word: str) -> Q:
    return Q(request_id=word)


def _of_action(word: str) -> Q:
    return Q(action=word.upper())


@admin.register(Event)
class EventAdmin(LongListAdmin):
    """An event from Label Studio; its secrets were removed before it was stored."""

    list_display = ["received_at", "action", "project", "status", "outcome"]
    list_filter = [PROJECT, "status"]
    list_select_related = ["project"]
    search_help_text = "By request id, action (ANNOTATION_CREATED) or project"
    sortable_by: list[str] = []
    finds = [_of_request, _of_action, of_project]
    fields = [
        "action",
        "project_link",
        "source",
        "state",
        "outcome",
        "run_link",
        "request_id",
        "received",
        "processed",
        "content",
    ]

    def get_queryset(self, request: HttpRequest) -> Any:
        queryset = super().get_queryset(request).select_related("project", "run")
        if is_list(request):
            return queryset.defer("payload")
        return queryset

    @display(description="Project")
    def project_link(self, event: Event) -> str:
        return link(event.project)

    @display(description="Status")
    def state(self, event: Event) -> str:
        return state_badge(event.get_status_display(), EVENT_COLOURS.get(event.status, ""))

    @display(description="Received")
    def received(self, event: Event) -> str:
        return exact_time(event.received_at)

    @display(description="Processed")
    def processed(self, event: Event) -> str:
        return exact_time(event.processed_at)

    @display(description="Run")
    def run_link(self, event: Event) -> str:
        return link(event.run)

    @display(description="Payload")
    def content(self, event: Event) -> str:
        return as_json(event.payload)

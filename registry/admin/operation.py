"""The backend at work in the admin: events, audit entries, workers and schedules."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django_q.admin import ScheduleAdmin as BaseScheduleAdmin
from django_q.models import Schedule
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import display

from registry.actions.operator import actions
from registry.formatting import exact_time
from registry.models import AuditEntry, Event, Worker
from registry.reports.version_history import concerns_version

from .markup import EVENT_COLOURS, as_json, state_badge
from .navigation import link
from .registry_admin import PROJECT, LongListAdmin, RegistryAdmin, is_list, known, of_project

admin.site.unregister(Schedule)

# Of operators, and of the backend itself.
_VERBS = [
    *dict.fromkeys(a.verb for a in actions() if a.verb),
    *("fall_back", "keep", "config_changed"),
]


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


class OnVersion(AutocompleteSelectFilter):
    """Filters by version, including the moves of the champion away from it."""

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if not self.value():
            return queryset
        try:
            return queryset.filter(concerns_version(self.value()))
        except ValueError as error:
            raise IncorrectLookupParameters(error) from error


def _of_actor(word: str) -> Q:
    return Q(actor=word)


@admin.register(AuditEntry)
class AuditEntryAdmin(LongListAdmin):
    """An audit entry: actor, verb, versions before and after, reason, numbers."""

    list_display = ["at", "verb", "actor", "project", "from_version", "to_version", "reason"]
    list_filter = [PROJECT, ("version", OnVersion), known("verb", _VERBS)]
    list_select_related = ["project", "from_version", "to_version"]
    search_help_text = "By actor, or project"
    sortable_by: list[str] = []
    finds = [_of_actor, of_project]
    fields = [
        "verb",
        "actor",
        "reason",
        "project_link",
        "version_link",
        "from_link",
        "to_link",
        "run_link",
        "numbers_json",
        "at",
    ]

    def get_queryset(self, request: HttpRequest) -> Any:
        return (
            super()
            .get_queryset(request)
            .select_related("project", "version", "from_version", "to_version", "run")
        )

    @display(description="Project")
    def project_link(self, entry: AuditEntry) -> str:
        return link(entry.project)

    @display(description="Version")
    def version_link(self, entry: AuditEntry) -> str:
        return link(entry.version)

    @display(description="From")
    def from_link(self, entry: AuditEntry) -> str:
        return link(entry.from_version)

    @display(description="To")
    def to_link(self, entry: AuditEntry) -> str:
        return link(entry.to_version)

    @display(description="Run")
    def run_link(self, entry: AuditEntry) -> str:
        return link(entry.run)

    @display(description="Numbers")
    def numbers_json(self, entry: AuditEntry) -> str:
        return as_json(entry.numbers)


@admin.register(Schedule)
class ScheduleAdmin(BaseScheduleAdmin, ModelAdmin):
    """A periodic job and its next time; read-only, because it names code to call."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Worker)
class WorkerAdmin(RegistryAdmin):
    """A django-q cluster on a machine."""

    list_display = ["cluster", "hostname", "heartbeat_at"]
    list_filter = ["cluster"]
    ordering = ["-heartbeat_at"]
    search_fields = ["hostname"]
    fields = ["cluster", "hostname", "heartbeat_at"]

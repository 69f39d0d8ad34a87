"""Audit entries in the admin, read-only."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import display

from registry.actions.operator import actions
from registry.models import AuditEntry
from registry.reports.version_history import is_on

from .base import as_json, link
from .lists import PROJECT, LongListAdmin, known, of_project

# Those of operators, and those of the backend itself.
_VERBS = [
    *dict.fromkeys(a.verb for a in actions() if a.verb),
    *("fall_back", "keep", "config_changed"),
]


class OnVersion(AutocompleteSelectFilter):
    """The audit entries of a version as on its page: those that took it out of service, too."""

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if not self.value():
            return queryset
        try:
            return queryset.filter(is_on(self.value()))
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
    search_help_text = "By who did it, or project"
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
        "figures",
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
    def figures(self, entry: AuditEntry) -> str:
        return as_json(entry.numbers)

"""The filters of the admin's lists, and lists of millions of rows that are never counted."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.paginator import InfinitePaginator

from registry.models import Project

from .registry_admin import PrefetchedList, RegistryAdmin

PROJECT = ("project", AutocompleteSelectFilter)
VERSION = ("version", AutocompleteSelectFilter)


def known(field: str, values: list[str]) -> type[admin.SimpleListFilter]:
    """A filter by a column without choices, over a fixed list of values.

    Django's own would ask the database for them, which reads the whole table.
    """

    class Known(admin.SimpleListFilter):
        title = field
        parameter_name = field

        def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
            return [(value, value.replace("_", " ")) for value in values]

        def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
            return queryset.filter(**{field: self.value()}) if self.value() else queryset

    return Known


_PROJECTS_FOUND = 50


class NarrowedList(PrefetchedList):
    """A list that ignores an order in the URL by a column that is not in `sortable_by`."""

    def get_ordering(self, request: HttpRequest, queryset: QuerySet) -> Any:
        wanted = self.params.pop("o", "")
        sortable = [part for part in wanted.split(".") if self._is_sortable(request, part)]
        if sortable:
            self.params["o"] = ".".join(sortable)
        return super().get_ordering(request, queryset)

    def _is_sortable(self, request: HttpRequest, part: str) -> bool:
        place = part.removeprefix("-")
        if not place.isdecimal() or int(place) >= len(self.list_display):
            return False
        return self.list_display[int(place)] in self.model_admin.get_sortable_by(request)


class LongListAdmin(RegistryAdmin):
    """A list, newest first; sortable by its columns within one project or version.

    A list with many rows in one project, too, has a `sortable_by` of what an index sorts.
    `finds` says what a word typed into the search box can stand for; each must be found by
    an index, so words are whole names, ids and labels, not parts of texts.
    """

    paginator = InfinitePaginator
    ordering = ["-id"]
    narrowed_by = ["project__id__exact", "version__id__exact"]
    finds: list[Callable[[str], Q]] = []

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[NarrowedList]:
        return NarrowedList

    def get_sortable_by(self, request: HttpRequest) -> Any:
        is_narrowed = any(request.GET.get(name) for name in self.narrowed_by)
        return super().get_sortable_by(request) if is_narrowed else []

    def get_search_fields(self, request: HttpRequest) -> list[str]:
        return ["pk"] if self.finds else []  # what they hold is not used; a list shows its box

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet, search_term: str
    ) -> tuple[QuerySet, bool]:
        for word in search_term.split():
            found = Q(pk__in=[])
            for find in self.finds:
                found |= find(word)
            queryset = queryset.filter(found)
        return queryset, False


def of_project(word: str) -> Q:
    """The rows of projects with the word in their title or uid."""
    named = Project.objects.filter(Q(title__icontains=word) | Q(uid__startswith=word))
    # Their ids, not a subquery: PostgreSQL can join indexes of what it knows.
    return Q(project__in=list(named.values_list("pk", flat=True)[:_PROJECTS_FOUND]))


def of_version(word: str) -> Q:
    """The rows of versions with that label, as `v7-3fa2c1`."""
    return Q(version__label=word)

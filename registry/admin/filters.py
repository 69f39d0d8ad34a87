"""Filters that several lists share."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import AutocompleteSelectFilter

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

"""The filters, search and order of lists, and what a list of a long table requires."""

from datetime import UTC, datetime
from typing import Any

import django_filters
from django import forms
from django.db.models import QuerySet
from django_filters.fields import IsoDateTimeField
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import extend_schema_field
from rest_framework.exceptions import ValidationError
from rest_framework.filters import BaseFilterBackend, SearchFilter
from rest_framework.request import Request

from registry.errors import EvalsError
from registry.models.pipeline_names import has_pipeline

MAX_ID = 2**63 - 1
MAX_NUMBER = 2**31 - 1
PAGE_PARAMETERS = ("cursor", "page_size")
_NOT_FILTERS = {*PAGE_PARAMETERS, "ordering"}


@extend_schema_field({"type": "integer", "minimum": 1, "maximum": MAX_ID})
class IdFilter(django_filters.NumberFilter):
    """An exact id."""

    field_class = forms.IntegerField

    def __init__(self, field_name: str, **kwargs: Any) -> None:
        kwargs.setdefault("label", "Id.")
        super().__init__(field_name=field_name, min_value=1, max_value=MAX_ID, **kwargs)


@extend_schema_field({"type": "integer", "minimum": 0, "maximum": MAX_NUMBER})
class NumberFilter(django_filters.NumberFilter):
    """An exact number within PostgreSQL's `integer`."""

    field_class = forms.IntegerField

    def __init__(self, field_name: str, **kwargs: Any) -> None:
        super().__init__(field_name=field_name, min_value=0, max_value=MAX_NUMBER, **kwargs)


class LabelFilter(django_filters.CharFilter):
    """A class that is in a list of them."""

    def __init__(self, field_name: str, **kwargs: Any) -> None:
        super().__init__(field_name=field_name, strip=False, **kwargs)

    def filter(self, qs: QuerySet, value: str) -> QuerySet:
        return qs.filter(**{f"{self.field_name}__contains": [value]}) if value else qs


class PipelineFilter(django_filters.CharFilter):
    """A pipeline that is one of those of a project or version."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(label="The name of one of its pipelines.", **kwargs)

    def filter(self, qs: QuerySet, value: str) -> QuerySet:
        return qs.filter(has_pipeline(value)) if value else qs


class _FlagField(forms.NullBooleanField):
    """`true` or `false`; Django's field takes anything else for None."""

    widget = forms.TextInput

    def clean(self, value: Any) -> bool | None:
        if value in (None, ""):
            return None
        if value not in ("true", "false"):
            raise forms.ValidationError("Must be true or false.")
        return value == "true"


class FlagFilter(django_filters.BooleanFilter):
    """`true` or `false`, and nothing else."""

    field_class = _FlagField


class _TimeField(IsoDateTimeField):
    """A time in UTC: PostgreSQL refuses some offsets of ISO 8601."""

    def clean(self, value: Any) -> datetime | None:
        moment = super().clean(value)
        try:
            return moment and moment.astimezone(UTC)
        except OverflowError:
            raise forms.ValidationError("Must lie within the years 1 to 9999.") from None


class _TimeFilter(django_filters.IsoDateTimeFilter):
    field_class = _TimeField


class AfterFilter(_TimeFilter):
    """At or after a time."""

    def __init__(self, field_name: str) -> None:
        super().__init__(field_name=field_name, lookup_expr="gte", label="At or after this time.")


class BeforeFilter(_TimeFilter):
    """Before a time."""

    def __init__(self, field_name: str) -> None:
        super().__init__(field_name=field_name, lookup_expr="lt", label="Before this time.")


class StrictFilters(DjangoFilterBackend):
    """Refuses unknown parameters: with a misspelled filter a list would return every row."""

    def filter_queryset(self, request: Request, queryset: QuerySet, view: Any) -> QuerySet:
        known = {*view.filterset_class.base_filters, *PAGE_PARAMETERS, "ordering"}
        if view.search_fields:
            known.add("search")
        unknown = sorted(set(request.query_params) - known)
        if unknown:
            message = f"Unknown parameter. The list takes {', '.join(sorted(known))}."
            raise ValidationError(dict.fromkeys(unknown, message))
        require_narrowing(request, view)
        return super().filter_queryset(request, queryset, view)


class Search(SearchFilter):
    """Each word must occur in one of the fields, in any case."""

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        if not view.search_fields:
            return []
        fields = ", ".join(name.replace("__", " ") for name in view.search_fields)
        return [
            {
                "name": "search",
                "in": "query",
                "required": False,
                "description": f"Words, each of which must occur in one of: {fields}.",
                "schema": {"type": "string"},
            }
        ]


class Ordering(BaseFilterBackend):
    """Documents the orders: one field, descending with a minus. The pagination applies them."""

    def filter_queryset(self, request: Request, queryset: QuerySet, view: Any) -> QuerySet:
        return queryset

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        return [
            {
                "name": "ordering",
                "in": "query",
                "required": False,
                "description": "A field, descending with a minus. Rows without a value come last.",
                "schema": {
                    "type": "string",
                    "enum": orderings(view),
                    "default": view.ordering,
                },
            }
        ]


def orderings(view: Any) -> list[str]:
    """The valid values of `ordering`."""
    return [sign + name for name in view.ordering_fields for sign in ("", "-")]


def requested_ordering(request: Request, view: Any) -> str:
    """The field to order by, with its sign. Raises ValidationError for an unknown one."""
    ordering = request.query_params.get("ordering") or view.ordering
    if ordering not in orderings(view):
        raise ValidationError({"ordering": f"Must be one of {', '.join(orderings(view))}."})
    return ordering


class FilterRequired(EvalsError):
    """A query that would read a whole long table without a narrowing filter."""

    code = "filter_needed"


def require_narrowing(request: Request, view: Any) -> None:
    """Raises FilterRequired for a query without a `narrow_by` filter that no index answers."""
    filters = _filters_with_value(request)
    if not view.narrow_by or filters & set(view.narrow_by):
        return
    by_id = requested_ordering(request, view).lstrip("-") == "id"
    if by_id and len(filters) <= 1 and filters <= set(view.indexed):
        return
    raise FilterRequired(
        "The list is too long for this filter, search or order without a filter by "
        f"{' or '.join(view.narrow_by)}.",
        hint=f"Add {' or '.join(f'?{name}=<id>' for name in view.narrow_by)}.",
    )


def is_read_by_index(request: Request, view: Any) -> bool:
    """Whether an index has the rows in the order of ids, so that a page reads only its rows."""
    filters = _filters_with_value(request)
    return len(filters) <= 1 and filters <= {*view.indexed, *view.ordered_by}


def _filters_with_value(request: Request) -> set[str]:
    """The names of filters and search with a value."""
    return {name for name, value in request.query_params.items() if value} - _NOT_FILTERS

"""The filters of lists, which refuse unknown parameters, and the search."""

from datetime import UTC, datetime
from typing import Any

import django_filters
from django import forms
from django.db.models import QuerySet
from django_filters.fields import IsoDateTimeField
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import extend_schema_field
from rest_framework.exceptions import ValidationError
from rest_framework.filters import SearchFilter
from rest_framework.request import Request

from . import paging, query_limits

MAX_ID = 2**63 - 1
MAX_NUMBER = 2**31 - 1


@extend_schema_field({"type": "integer", "minimum": 1, "maximum": MAX_ID})
class IdFilter(django_filters.NumberFilter):
    """The id of a row, exactly."""

    field_class = forms.IntegerField

    def __init__(self, field_name: str, **kwargs: Any) -> None:
        kwargs.setdefault("label", "Id.")
        super().__init__(field_name=field_name, min_value=1, max_value=MAX_ID, **kwargs)


@extend_schema_field({"type": "integer", "minimum": 0, "maximum": MAX_NUMBER})
class NumberFilter(django_filters.NumberFilter):
    """A whole number of PostgreSQL's `integer`, exactly."""

    field_class = forms.IntegerField

    def __init__(self, field_name: str, **kwargs: Any) -> None:
        super().__init__(field_name=field_name, min_value=0, max_value=MAX_NUMBER, **kwargs)


class LabelFilter(django_filters.CharFilter):
    """A label: the whole answer for `single`, one of the set for `multiple`."""

    def __init__(self, field_name: str, **kwargs: Any) -> None:
        # Of jsonb, "a" is contained in "a" and in ["a", "b"].
        super().__init__(field_name=field_name, lookup_expr="contains", strip=False, **kwargs)


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
    """From this moment on."""

    def __init__(self, field_name: str) -> None:
        super().__init__(field_name=field_name, lookup_expr="gte", label="From this moment on.")


class BeforeFilter(_TimeFilter):
    """Until this moment, which is not in it."""

    def __init__(self, field_name: str) -> None:
        super().__init__(field_name=field_name, lookup_expr="lt", label="Before this moment.")


class StrictFilters(DjangoFilterBackend):
    """Refuses unknown parameters: a typing error would return every row."""

    def filter_queryset(self, request: Request, queryset: QuerySet, view: Any) -> QuerySet:
        known = {*view.filterset_class.base_filters, *paging.PARAMETERS, "ordering"}
        if view.search_fields:
            known.add("search")
        unknown = sorted(set(request.query_params) - known)
        if unknown:
            message = f"There is no such parameter. There are {', '.join(sorted(known))}."
            raise ValidationError(dict.fromkeys(unknown, message))
        query_limits.require_narrowing(request, view)
        return super().filter_queryset(request, queryset, view)


class Search(SearchFilter):
    """Each word must be in one of the fields, whatever its case."""

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        if not view.search_fields:
            return []
        fields = ", ".join(name.replace("__", " ") for name in view.search_fields)
        return [
            {
                "name": "search",
                "in": "query",
                "required": False,
                "description": f"Words, each of which is in one of: {fields}.",
                "schema": {"type": "string"},
            }
        ]

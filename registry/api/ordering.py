"""In which order a list comes: by one of the fields that it offers."""

from typing import Any

from django.db.models import QuerySet
from rest_framework.exceptions import ValidationError
from rest_framework.filters import BaseFilterBackend
from rest_framework.request import Request


class Ordering(BaseFilterBackend):
    """One field, with a minus from the largest on; the pagination does it, id breaks ties."""

    def filter_queryset(self, request: Request, queryset: QuerySet, view: Any) -> QuerySet:
        return queryset

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        return [
            {
                "name": "ordering",
                "in": "query",
                "required": False,
                "description": "Rows without a value come last.",
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
    """The field to order by, with its sign. Raises ValidationError for one that is not offered."""
    ordering = request.query_params.get("ordering") or view.ordering
    if ordering not in orderings(view):
        raise ValidationError({"ordering": f"Must be one of {', '.join(orderings(view))}."})
    return ordering

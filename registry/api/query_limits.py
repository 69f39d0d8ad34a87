"""The orders that a list offers, and the filters that a long one requires."""

from typing import Any

from django.db.models import QuerySet
from rest_framework.exceptions import ValidationError
from rest_framework.filters import BaseFilterBackend
from rest_framework.request import Request

from registry.errors import EvalsError


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


NOT_FILTERS = {"cursor", "page_size", "ordering"}


class FilterRequired(EvalsError):
    """A query that would read a whole long table."""

    code = "filter_needed"


def require_narrowing(request: Request, view: Any) -> None:
    """Raises FilterRequired for a query that no index answers, outside `narrow_by`."""
    filters = _filters_with_value(request)
    if not view.narrow_by or filters & set(view.narrow_by):
        return
    by_id = requested_ordering(request, view).lstrip("-") == "id"
    if by_id and len(filters) <= 1 and filters <= set(view.indexed):
        return
    raise FilterRequired(
        "This list is long: it is filtered, searched and ordered like that within "
        f"{' or '.join(view.narrow_by)} only.",
        hint=f"Add {' or '.join(f'?{name}=<id>' for name in view.narrow_by)}.",
    )


def is_read_by_index(request: Request, view: Any) -> bool:
    """Whether an index has the rows in the order of ids, so that a page reads its own rows only."""
    filters = _filters_with_value(request)
    return len(filters) <= 1 and filters <= {*view.indexed, *view.ordered_by}


def _filters_with_value(request: Request) -> set[str]:
    """The names of filters and search with a value."""
    return {name for name, value in request.query_params.items() if value} - NOT_FILTERS

"""The filters that a long list requires, so that PostgreSQL never reads all of its table."""

from typing import Any

from rest_framework.request import Request

from registry.errors import EvalsError

from .ordering import requested_ordering

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
    """The filters and the search that have a value."""
    return {name for name, value in request.query_params.items() if value} - NOT_FILTERS

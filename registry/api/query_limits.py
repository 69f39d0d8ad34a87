"""The filters that a long list requires, so that PostgreSQL never reads all of its table."""

from typing import Any

from rest_framework.request import Request

from registry.errors import EvalsError

from .ordering import ordering_asked

NOT_FILTERS = {"cursor", "page_size", "ordering"}


class FilterRequired(EvalsError):
    """A query that would read a whole long table."""

    code = "filter_needed"


def require_narrowing(request: Request, view: Any) -> None:
    """Raises FilterRequired for a query that no index answers, outside `narrow_by`."""
    asked = _asked(request)
    if not view.narrow_by or asked & set(view.narrow_by):
        return
    by_id = ordering_asked(request, view).lstrip("-") == "id"
    if by_id and len(asked) <= 1 and asked <= set(view.indexed):
        return
    raise FilterRequired(
        "This list is long: it is filtered, searched and ordered like that within "
        f"{' or '.join(view.narrow_by)} only.",
        hint=f"Add {' or '.join(f'?{name}=<id>' for name in view.narrow_by)}.",
    )


def is_read_by_index(request: Request, view: Any) -> bool:
    """Whether an index has the rows in the order of ids, so that a page reads its own rows only."""
    asked = _asked(request)
    return len(asked) <= 1 and asked <= {*view.indexed, *view.ordered_by}


def _asked(request: Request) -> set[str]:
    """The names of filters and search with a value."""
    return {name for name, value in request.query_params.items() if value} - NOT_FILTERS

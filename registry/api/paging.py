"""Keyset pagination: a page starts after the last row of the page before, whatever is inserted."""

import base64
import json
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import F, Model, Q, QuerySet
from rest_framework import serializers
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from registry.json_sanitize import sanitize

from .errors import CursorInvalid
from .filters import PAGE_PARAMETERS, is_read_by_index, requested_ordering

PAGE_SIZE = 50
MAX_PAGE_SIZE = 500  # rows


class _PageQuery(serializers.Serializer):
    cursor = serializers.CharField(required=False, max_length=2000)
    page_size = serializers.IntegerField(
        required=False, min_value=1, max_value=MAX_PAGE_SIZE, default=PAGE_SIZE
    )


class KeysetPagination(BasePagination):
    """Pages by the ordering's field and then by id, so that equal and null values are handled.

    REST framework's own cursor keeps the field alone: it loses rows where a value is null, or
    where more rows than its cutoff have the same one.
    """

    def paginate_queryset(
        self, queryset: QuerySet, request: Request, view: Any = None
    ) -> list[Model]:
        """The cursor's page, else the first; one query."""
        query = _PageQuery(
            data={k: request.query_params[k] for k in PAGE_PARAMETERS if k in request.GET}
        )
        query.is_valid(raise_exception=True)
        size = query.validated_data["page_size"]
        self._url = request.build_absolute_uri()
        self._ordering = requested_ordering(request, view)
        place, backwards = self._read(query.validated_data.get("cursor"), queryset.model)
        field, descending = self._ordering.lstrip("-"), self._ordering.startswith("-")
        if place is not None:
            queryset = queryset.filter(_beyond(field, place, descending != backwards, backwards))
        order = _order(field, descending, backwards)
        if field == "id" and not is_read_by_index(request, view):
            order = _sorted_by_id(descending != backwards)
        rows = list(queryset.order_by(*order)[: size + 1])
        more, rows = len(rows) > size, rows[:size]
        if backwards:
            rows.reverse()
        self._previous = rows and (more if backwards else place is not None)
        self._next = rows and (place is not None if backwards else more)
        self._rows = rows
        return rows

    def get_paginated_response(self, data: Any) -> Response:
        return Response(
            {
                "next": self._link(self._rows[-1], False) if self._next else None,
                "previous": self._link(self._rows[0], True) if self._previous else None,
                "results": data,
            }
        )

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        link = {"type": "string", "format": "uri", "nullable": True}
        return {
            "type": "object",
            "required": ["next", "previous", "results"],
            "properties": {"next": link, "previous": link, "results": schema},
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        return [
            {
                "name": "cursor",
                "in": "query",
                "required": False,
                "description": "The start of the page, copied from `next` or `previous`.",
                "schema": {"type": "string", "maxLength": 2000},
            },
            {
                "name": "page_size",
                "in": "query",
                "required": False,
                "description": "Rows on a page.",
                "schema": {
                    "type": "integer",
                    "minimum": 1,
                    "maximum": MAX_PAGE_SIZE,
                    "default": PAGE_SIZE,
                },
            },
        ]

    def _link(self, row: Model, backwards: bool) -> str:
        field = self._ordering.lstrip("-")
        value = getattr(row, field)
        if value is not None and not isinstance(value, str | int | float):
            value = value.isoformat()
        place = json.dumps([self._ordering, backwards, value, row.pk]).encode()
        return replace_query_param(
            self._url, "cursor", base64.urlsafe_b64encode(place).decode().rstrip("=")
        )

    def _read(self, cursor: str | None, model: type[Model]) -> tuple[tuple[Any, int] | None, bool]:
        """The value and id at which the page begins, and whether it is read backwards."""
        if cursor is None:
            return None, False
        try:
            padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
            ordering, backwards, value, pk = json.loads(base64.urlsafe_b64decode(padded))
            if ordering != self._ordering or type(backwards) is not bool or type(pk) is not int:
                raise CursorInvalid
            field: Any = model._meta.get_field(ordering.lstrip("-"))
            value = field.to_python(sanitize(value))
        except (ValueError, TypeError, RecursionError, ValidationError):
            raise CursorInvalid from None
        return (value, pk), backwards


def _order(field: str, descending: bool, backwards: bool) -> list[Any]:
    """The order by field and id; nulls last, so first when read backwards."""
    down = descending != backwards
    key = "-id" if down else "id"
    if field == "id":
        return [key]
    ends = {"nulls_first": True} if backwards else {"nulls_last": True}
    return [F(field).desc(**ends) if down else F(field).asc(**ends), key]


def _sorted_by_id(down: bool) -> list[Any]:
    """An order by id that does not use the index on it.

    PostgreSQL would read the whole table by that index, expecting to find a page of the
    few rows soon; sorting the rows found by another index is fast.
    """
    key = F("id") + 0
    return [key.desc() if down else key.asc()]


def _beyond(field: str, place: tuple[Any, int], down: bool, backwards: bool) -> Q:
    """The rows after the place in the order of `_order`."""
    value, pk = place
    beyond = "lt" if down else "gt"
    further = Q(**{f"id__{beyond}": pk})
    if field == "id":
        return further
    is_empty = Q(**{f"{field}__isnull": True})
    if value is None:
        return (is_empty & further) | ~is_empty if backwards else is_empty & further
    after = Q(**{f"{field}__{beyond}": value}) | (Q(**{field: value}) & further)
    return after if backwards else after | is_empty

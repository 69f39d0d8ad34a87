"""What every resource under /api/ has in common."""

from typing import Any, ClassVar

from django.db.models import Model, QuerySet
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer, Serializer
from rest_framework.viewsets import ReadOnlyModelViewSet

from .filters import Search, StrictFilters
from .ordering import Ordering
from .paging import KeysetPagination
from .permissions import AsInTheAdmin


class Resource(ReadOnlyModelViewSet):
    """Rows to be listed and read; whatever else can be done with one is an act.

    `acts` says which action is which act (of `registry.permissions`), `reads` which other
    models an action shows. Of a long table `narrow_by` names the filters within which
    anything can be asked, `indexed` those that an index answers by itself, in the order of
    ids, and `ordered_by` those of `narrow_by` of which that is true too.
    """

    permission_classes = [AsInTheAdmin]
    pagination_class = KeysetPagination
    filter_backends = [StrictFilters, Search, Ordering]
    lookup_value_converter = "int"
    ordering_fields: ClassVar[tuple[str, ...]] = ("id",)
    ordering = "-id"
    search_fields: ClassVar[tuple[str, ...]] = ()
    narrow_by: ClassVar[tuple[str, ...]] = ()
    indexed: ClassVar[tuple[str, ...]] = ()
    ordered_by: ClassVar[tuple[str, ...]] = ()
    acts: ClassVar[dict[str, str]] = {}
    reads: ClassVar[dict[str, tuple[type[Model], ...]]] = {}
    detail_serializer_class: ClassVar[type[BaseSerializer] | None] = None

    def get_serializer_class(self) -> type[BaseSerializer]:
        """A list shows less of a row than its own page, where the resource says so."""
        if self.action != "list" and self.detail_serializer_class:
            return self.detail_serializer_class
        return super().get_serializer_class()

    def filter_queryset(self, queryset: QuerySet) -> QuerySet:
        """Only a list is filtered: one row is found by its id."""
        return super().filter_queryset(queryset) if self.action == "list" else queryset

    @property
    def actor(self) -> str:
        """Who does the act."""
        return self.request.user.get_username()

    def given(self, body: type[Serializer], **context: Any) -> dict[str, Any]:
        """What the request's body or query says, checked. Raises ValidationError."""
        data = self.request.query_params if self.request.method == "GET" else self.request.data
        read = body(data=data, context=context)
        read.is_valid(raise_exception=True)
        return read.validated_data

    def shown(self, status: int = 200) -> Response:
        """The row as it is now, after an act on it."""
        return Response(self.get_serializer(self.get_object()).data, status=status)

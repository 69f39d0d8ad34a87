"""How the admin's lists ask PostgreSQL for their rows, so that it reads no others."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.views import ChangeList


class PrefetchedList(ChangeList):
    """A list whose related rows are fetched by key in a query of their own.

    Of a join with an order and a limit PostgreSQL thinks that reading the whole other table
    is cheapest.
    """

    def apply_select_related(self, qs: QuerySet) -> QuerySet:
        names = self.list_select_related
        related = list(names) if isinstance(names, list | tuple) else []
        return qs.select_related(None).prefetch_related(*related)


class NarrowedList(PrefetchedList):
    """A list that ignores an order in the URL by a column that is not in `sortable_by`."""

    def get_ordering(self, request: HttpRequest, queryset: QuerySet) -> Any:
        wanted = self.params.pop("o", "")
        kept = [part for part in wanted.split(".") if self._is_sortable(request, part)]
        if kept:
            self.params["o"] = ".".join(kept)
        return super().get_ordering(request, queryset)

    def _is_sortable(self, request: HttpRequest, part: str) -> bool:
        place = part.removeprefix("-")
        if not place.isdecimal() or int(place) >= len(self.list_display):
            return False
        return self.list_display[int(place)] in self.model_admin.get_sortable_by(request)

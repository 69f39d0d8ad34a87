"""The bases of the registry's admin pages: read-only pages with buttons, and long lists."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import admin
from django.contrib.admin import AdminSite
from django.contrib.admin.utils import unquote
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.dataclasses import UnfoldAction
from unfold.paginator import InfinitePaginator
from unfold.views import ChangeList

from registry.models import Project

from .action_buttons import add_buttons
from .empty_lists import filled_by

PROJECT = ("project", AutocompleteSelectFilter)
VERSION = ("version", AutocompleteSelectFilter)
_PROJECTS_FOUND = 50


def is_list(request: HttpRequest) -> bool:
    """Whether the request is for a list or a filter's suggestions, which defer long columns."""
    match = request.resolver_match
    return match is not None and str(match.url_name).endswith(("_changelist", "autocomplete"))


def once(method: Callable[[Any, Any], str]) -> Callable[[Any, Any], str]:
    """Computes the text of a row's field once: unfold calls a read-only field's method five times.

    For methods with queries, below `display`.
    """

    @wraps(method)
    def cached(page: Any, row: Model) -> str:
        texts = vars(row).setdefault("_texts", {})
        if method.__name__ not in texts:
            texts[method.__name__] = method(page, row)
        return texts[method.__name__]

    return cached


class PrefetchedList(ChangeList):
    """A list whose related rows are fetched by key in a query of their own.

    For a join with an order and a limit PostgreSQL would read the whole other table.
    """

    def apply_select_related(self, qs: QuerySet) -> QuerySet:
        names = self.list_select_related
        related = list(names) if isinstance(names, list | tuple) else []
        return qs.select_related(None).prefetch_related(*related)


class RegistryAdmin(ModelAdmin):
    """A read-only page with the buttons of the operator actions on its model."""

    list_per_page = 50
    list_filter_submit = True
    show_full_result_count = False
    warn_unsaved_form = True

    def __init__(self, model: type[Model], admin_site: AdminSite) -> None:
        super().__init__(model, admin_site)
        self.actions_detail = add_buttons(self)

    @property
    def filled_by(self) -> str:
        """What will fill the list where it is empty."""
        return filled_by(self.model)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[PrefetchedList]:
        return PrefetchedList

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Any:
        """The object, read once per GET for page, buttons and form."""
        if request.method != "GET":
            return super().get_object(request, object_id, from_field)
        known = vars(request).setdefault("rows_read", {})
        if object_id not in known:
            known[object_id] = super().get_object(request, object_id, from_field)
        return known[object_id]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[UnfoldAction]:
        """The actions that the user may do and that the object's state allows.

        Lists have none: unfold would show the same ones beside each row.
        """
        buttons = [
            button
            for button in super().get_actions_detail(request, object_id)
            if button.method.operator_action.allowed(request.user)
        ]
        shown = self.get_object(request, unquote(str(object_id))) if buttons else None
        return [
            button
            for button in buttons
            if shown is not None and button.method.operator_action.unavailable(shown) is None
        ]


class TemplatePage(RegistryAdmin):
    """Renders `templates/admin/registry/<model>/change_form.html` with the context from `page`."""

    def page(self, request: HttpRequest, shown: Any) -> dict[str, Any]:
        """The context of the object's page."""
        raise NotImplementedError

    def get_fieldsets(self, request: HttpRequest, obj: Model | None = None) -> Any:
        return [(None, {"fields": []})]

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Model | None = None,
    ) -> HttpResponse:
        context |= self.page(request, obj)
        return super().render_change_form(request, context, add, change, form_url, obj)


def known(field: str, values: list[str]) -> type[admin.SimpleListFilter]:
    """A filter by a column without choices, over a fixed list of values.

    Django's own filter would read them from the whole table.
    """

    class Known(admin.SimpleListFilter):
        title = field
        parameter_name = field

        def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
            return [(value, value.replace("_", " ")) for value in values]

        def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
            return queryset.filter(**{field: self.value()}) if self.value() else queryset

    return Known


class NarrowedList(PrefetchedList):
    """A list that ignores an order in the URL by a column that is not in `sortable_by`."""

    def get_ordering(self, request: HttpRequest, queryset: QuerySet) -> Any:
        requested = self.params.pop("o", "")
        sortable = [part for part in requested.split(".") if self._is_sortable(request, part)]
        if sortable:
            self.params["o"] = ".".join(sortable)
        return super().get_ordering(request, queryset)

    def _is_sortable(self, request: HttpRequest, part: str) -> bool:
        place = part.removeprefix("-")
        if not place.isdecimal() or int(place) >= len(self.list_display):
            return False
        return self.list_display[int(place)] in self.model_admin.get_sortable_by(request)


class LongListAdmin(RegistryAdmin):
    """A list, newest first; sortable by its columns within one project or version.

    A list that is long within one project, too, has a `sortable_by` of indexed columns.
    `finds` has the conditions that a searched word may match. An index must answer each, so
    words are whole names, ids and labels, not parts of texts.
    """

    paginator = InfinitePaginator
    ordering = ["-id"]
    narrowed_by = ["project__id__exact", "version__id__exact"]
    finds: list[Callable[[str], Q]] = []

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[NarrowedList]:
        return NarrowedList

    def get_sortable_by(self, request: HttpRequest) -> Any:
        is_narrowed = any(request.GET.get(name) for name in self.narrowed_by)
        return super().get_sortable_by(request) if is_narrowed else []

    def get_search_fields(self, request: HttpRequest) -> list[str]:
        return ["pk"] if self.finds else []  # any value shows the search box; it is not used

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet, search_term: str
    ) -> tuple[QuerySet, bool]:
        for word in search_term.split():
            found = Q(pk__in=[])
            for find in self.finds:
                found |= find(word)
            queryset = queryset.filter(found)
        return queryset, False


def of_project(word: str) -> Q:
    """The rows of projects with the word in their title or uid."""
    named = Project.objects.filter(Q(title__icontains=word) | Q(uid__startswith=word))
    # Ids, not a subquery: PostgreSQL combines indexes for known values only.
    return Q(project__in=list(named.values_list("pk", flat=True)[:_PROJECTS_FOUND]))


def of_version(word: str) -> Q:
    """The rows of versions with that label, as `v7-3fa2c1`."""
    return Q(version__label=word)

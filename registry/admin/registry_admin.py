"""The base of the registry's admin pages: read-only, with the buttons of the operator actions."""

from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.admin.utils import unquote
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from unfold.admin import ModelAdmin
from unfold.dataclasses import UnfoldAction
from unfold.views import ChangeList

from .action_buttons import add_buttons


class PrefetchedList(ChangeList):
    """A list whose related rows are fetched by key in a query of their own.

    Of a join with an order and a limit PostgreSQL thinks that reading the whole other table
    is cheapest.
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

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[PrefetchedList]:
        return PrefetchedList

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Any:
        """The object, read once per GET: page, buttons and form ask for it each."""
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
        """The actions that the user may do and that are available in the object's state.

        A list has no buttons for actions on its rows: unfold shows the same ones beside each.
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

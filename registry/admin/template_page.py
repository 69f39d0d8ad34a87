"""A page of one object with a template of its own in place of a form's fields."""

from typing import Any

from django.db.models import Model
from django.http import HttpRequest, HttpResponse

from .registry_admin import RegistryAdmin


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

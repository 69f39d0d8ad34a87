"""Access keys in the admin: create one, which is shown once, scope it, revoke it."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from unfold.decorators import display

from registry.actions.operator.new_key import NewKey
from registry.models import AccessKey

from .action_buttons import caller
from .lists import PROJECT
from .registry_admin import RegistryAdmin


@admin.register(AccessKey)
class AccessKeyAdmin(RegistryAdmin):
    """A key in the URL path. Its plain text is shown once, on the page after its creation."""

    list_display = ["name", "scope", "state", "last_used_at", "created_at"]
    list_filter = [PROJECT, ("revoked_at", admin.EmptyFieldListFilter)]
    list_select_related = ["project"]
    ordering = ["-id"]
    search_fields = ["name", "hostname"]
    fields = ["name", "project", "hostname", "created_at", "last_used_at", "revoked_at"]
    add_fieldsets = [(None, {"fields": ["name", "project", "hostname"]})]

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("project")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return NewKey().allowed(request.user)

    def save_model(self, request: HttpRequest, obj: AccessKey, form: Any, change: bool) -> None:
        given = {"name": obj.name, "project": obj.project, "hostname": obj.hostname}
        done = NewKey().execute(None, given, caller(request))
        obj.pk = done.made.pk
        obj.__dict__["plain"] = done.plain  # for response_add, in this request only

    def response_add(
        self, request: HttpRequest, obj: AccessKey, post_url_continue: str | None = None
    ) -> HttpResponse:
        """The only page that shows the key: a redirect would have to store it."""
        context = {
            **self.admin_site.each_context(request),
            "title": "Key created",
            "opts": self.opts,
            "key": obj,
            "url": request.build_absolute_uri(f"/k/{vars(obj)['plain']}"),
        }
        return TemplateResponse(request, "admin/registry/accesskey/made.html", context)

    @display(description="Scope")
    def scope(self, key: AccessKey) -> str:
        if key.project:
            return str(key.project)
        return f"projects of {key.hostname}" if key.hostname else "every project"

    @display(description="State", label={"valid": "success", "revoked": "danger"})
    def state(self, key: AccessKey) -> str:
        return "revoked" if key.revoked_at else "valid"

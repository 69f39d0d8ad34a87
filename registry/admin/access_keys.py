"""Access keys in the admin: create, scope and revoke them; the page to connect a project."""

from typing import Any

from django.contrib import admin
from django.contrib.admin import ModelAdmin
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.cache import add_never_cache_headers
from unfold.decorators import display

from registry.actions.operator.new_key import NewKey
from registry.formatting import exact_time
from registry.models import AccessKey, Project
from registry.permissions import may_view
from registry.server import absolute_url

from .action_buttons import caller
from .registry_admin import PROJECT, RegistryAdmin


@admin.register(AccessKey)
class AccessKeyAdmin(RegistryAdmin):
    """An access key, the part of a URL's path after /k/. Its plain text is shown once."""

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
        values = {"name": obj.name, "project": obj.project, "hostname": obj.hostname}
        done = NewKey().execute(None, values, caller(request))
        obj.pk = done.row.pk
        obj.__dict__["plain"] = done.secret  # for response_add, in this request only

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.used_view)
        own = path("<int:key_id>/used/", view, name="registry_accesskey_used")
        return [own, *super().get_urls()]

    def used_view(self, request: HttpRequest, key_id: int) -> HttpResponse:
        """GET: `text` once the key has been used, for the page that waits for it."""
        if not (NewKey().allowed(request.user) or self.has_view_permission(request)):
            raise PermissionDenied
        key = get_object_or_404(AccessKey, pk=key_id)
        used = key.last_used_at
        text = f"Called at {exact_time(used)}: Label Studio reaches this server." if used else ""
        return JsonResponse({"text": text})

    def response_add(
        self, request: HttpRequest, obj: AccessKey, post_url_continue: str | None = None
    ) -> HttpResponse:
        """The page that shows the key once; a redirect would require storing it."""
        context = {
            **self.admin_site.each_context(request),
            "title": "Key created",
            "opts": self.opts,
            "key": obj,
            "url": absolute_url(request, f"/k/{vars(obj)['plain']}"),
        }
        return TemplateResponse(request, "admin/registry/accesskey/created.html", context)

    @display(description="Scope")
    def scope(self, key: AccessKey) -> str:
        if key.project:
            return str(key.project)
        return f"projects of {key.hostname}" if key.hostname else "every project"

    @display(description="State", label={"valid": "success", "revoked": "danger"})
    def state(self, key: AccessKey) -> str:
        return "revoked" if key.revoked_at else "valid"


def connect_view(page: ModelAdmin, request: HttpRequest, object_id: str) -> HttpResponse:
    """GET lists the project's access keys; POST creates one and shows it once.

    No redirect after the POST, for which the plain key would have to be stored.
    """
    project = page.get_object(request, unquote(object_id))
    if project is None or not page.has_view_permission(request, project):
        raise Http404
    url = key = None
    if request.method == "POST":
        done = _new_key(request, project)
        key, url = done.row, absolute_url(request, f"/k/{done.secret}")
    context = {
        **page.admin_site.each_context(request),
        "title": "Connect to Label Studio",
        "subtitle": str(project),
        "project": project,
        "url": url,
        "key": key,
        "may_create": NewKey().allowed(request.user),
        "keys": _keys(request, project),
    }
    response = TemplateResponse(request, "admin/registry/project/connect.html", context)
    add_never_cache_headers(response)
    return response


def _new_key(request: HttpRequest, project: Project) -> Any:
    """The action's result: the key's row, and its plain text."""
    if not NewKey().allowed(request.user):
        raise PermissionDenied
    name = request.POST.get("name", "").strip()[:100] or project.name[:100]
    return NewKey().execute(None, {"name": name, "project": project}, caller(request))


def _keys(request: HttpRequest, project: Project) -> Any:
    """The project's valid keys, for users who may view keys."""
    if not may_view(request.user, AccessKey):
        return AccessKey.objects.none()
    return AccessKey.objects.filter(project=project, revoked_at__isnull=True).order_by("-id")[:20]

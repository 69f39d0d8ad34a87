"""The page with the URL to paste into Label Studio; shows a new key once."""

from typing import Any

from django.conf import settings
from django.contrib.admin import ModelAdmin
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.cache import add_never_cache_headers

from registry.actions.operator.new_key import NewKey
from registry.models import AccessKey, Project
from registry.permissions import may_view

from .action_buttons import caller

_TEMPLATE = "admin/registry/project/connect.html"


def view(admin: ModelAdmin, request: HttpRequest, object_id: str) -> HttpResponse:
    """GET explains and lists the project's keys; POST creates one and shows it once.

    No redirect after the POST: the key would have to be kept for it.
    """
    project = admin.get_object(request, unquote(object_id))
    if project is None or not admin.has_view_permission(request, project):
        raise Http404
    url = None
    if request.method == "POST":
        url = key_url(request, _new_key(request, project))
    context = {
        **admin.admin_site.each_context(request),
        "title": "Connect to Label Studio",
        "subtitle": str(project),
        "project": project,
        "url": url,
        "may_make": NewKey().allowed(request.user),
        "keys": _keys(request, project),
    }
    response = TemplateResponse(request, _TEMPLATE, context)
    add_never_cache_headers(response)
    return response


def key_url(request: HttpRequest, plain: str) -> str:
    """The URL to paste: with PUBLIC_URL if it is set, else with the host of this request."""
    path = f"/k/{plain}"
    if settings.PUBLIC_URL:
        return settings.PUBLIC_URL + path
    return request.build_absolute_uri(path)


def _new_key(request: HttpRequest, project: Project) -> str:
    if not NewKey().allowed(request.user):
        raise PermissionDenied
    name = request.POST.get("name", "").strip()[:100] or f"{project.title or project.uid}"[:100]
    return NewKey().execute(None, {"name": name, "project": project}, caller(request)).plain


def _keys(request: HttpRequest, project: Project) -> Any:
    """The project's valid keys, for users who may view keys."""
    if not may_view(request.user, AccessKey):
        return AccessKey.objects.none()
    return AccessKey.objects.filter(project=project, revoked_at__isnull=True).order_by("-id")[:20]

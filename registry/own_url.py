"""The URL of a path of this server, as people and Label Studio reach it."""

from django.conf import settings
from django.db.models import Model
from django.http import HttpRequest
from django.urls import get_script_prefix
from rest_framework.request import Request

from registry.server import server


def absolute_url(request: HttpRequest | Request, path: str) -> str:
    """With PUBLIC_URL if it is set, else with the host and the base path of this request."""
    if settings.PUBLIC_URL:
        return f"{settings.PUBLIC_URL}{path}"
    return request.build_absolute_uri(get_script_prefix().rstrip("/") + path)


def page_url(row: Model) -> str:
    """The URL of a row's page in the admin.

    Without the URL configuration, which a worker does not load.
    """
    meta = row._meta
    return f"{server().url}/admin/{meta.app_label}/{meta.model_name}/{row.pk}/change/"

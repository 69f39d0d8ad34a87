"""The URL of a path of this server, as people and Label Studio reach it."""

from django.conf import settings
from django.db.models import Model
from django.http import HttpRequest
from django.urls import get_script_prefix
from rest_framework.request import Request

_EVERY_ADDRESS = {"0.0.0.0", "::", ""}  # noqa: S104


def base_url() -> str:
    """The server's URL without a slash at its end: PUBLIC_URL, else that of HOST and PORT."""
    if settings.PUBLIC_URL:
        return settings.PUBLIC_URL
    host = "127.0.0.1" if settings.HOST in _EVERY_ADDRESS else settings.HOST
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.PORT}"


def absolute_url(request: HttpRequest | Request, path: str) -> str:
    """With PUBLIC_URL if it is set, else with the host and the base path of this request."""
    if settings.PUBLIC_URL:
        return f"{settings.PUBLIC_URL}{path}"
    return request.build_absolute_uri(get_script_prefix().rstrip("/") + path)


def page_url(shown: Model) -> str:
    """The URL of a row's page in the admin.

    Without the URL configuration, which a worker does not load.
    """
    meta = shown._meta
    return f"{base_url()}/admin/{meta.app_label}/{meta.model_name}/{shown.pk}/change/"

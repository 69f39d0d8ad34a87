"""The URL of a path of this server, as people and Label Studio reach it."""

from django.conf import settings
from django.http import HttpRequest
from django.urls import get_script_prefix
from rest_framework.request import Request


def absolute_url(request: HttpRequest | Request, path: str) -> str:
    """With PUBLIC_URL if it is set, else with the host and the base path of this request."""
    if settings.PUBLIC_URL:
        return f"{settings.PUBLIC_URL}{path}"
    return request.build_absolute_uri(get_script_prefix().rstrip("/") + path)

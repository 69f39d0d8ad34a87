"""The URLs of this server: its own, the path of a proxy before it, and host names refused."""

from collections.abc import Callable
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse

from mlapi import exception_handlers
from registry.server import EVERY_ADDRESS, server


def admin() -> str:
    """The admin's address."""
    return f"{server().url}/admin/"


def to_paste(key: str) -> list[tuple[str, str]]:
    """The URLs to paste into Label Studio, as (where Label Studio runs, URL) pairs."""
    known = server()
    if known.public_url:
        return [("Label Studio", f"{known.url}/k/{key}")]
    in_docker = "Label Studio in Docker"
    if known.host not in EVERY_ADDRESS:
        in_docker += " (start with HOST=0.0.0.0)"
    return [
        ("Label Studio on this machine", f"{known.url}/k/{key}"),
        (in_docker, f"http://host.docker.internal:{known.port}/k/{key}"),
    ]


def without_base_path(path: str) -> str:
    """A request's path without that of PUBLIC_URL, if it begins with it."""
    base_path = urlsplit(settings.PUBLIC_URL).path
    if base_path and f"{path}/".startswith(f"{base_path}/"):
        return path.removeprefix(base_path)
    return path


class BasePathMiddleware:
    """Takes the path of PUBLIC_URL off requests of a proxy that has not cut it off.

    No header of the request is believed for it. gunicorn's parser takes SCRIPT_NAME off by itself,
    from this machine only.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        path = without_base_path(request.path_info)
        path = path if path.startswith("/") else f"/{path}"  # after SCRIPT_NAME with a slash
        if path != request.path_info:
            script = request.META.get("SCRIPT_NAME", "").rstrip("/")
            request.path_info, request.path = path, f"{script}{path}"
            request.META["PATH_INFO"] = path.encode().decode("latin-1")
        return self.get_response(request)


class AllowedHostsMiddleware:
    """Answers 400 for another host name, before anything else reads the request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        try:
            request.get_host()
        except DisallowedHost:
            return exception_handlers.host_not_allowed(request)
        return self.get_response(request)

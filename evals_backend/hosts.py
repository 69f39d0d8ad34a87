"""Answers a request for a host name that is not allowed, and names the setting that allows it."""

from collections.abc import Callable

import structlog
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse, JsonResponse

CODE = "host_not_allowed"
REASON = "Host name not allowed. Add the name in this URL to the setting ALLOWED_HOSTS"


class AllowedHostsMiddleware:
    """Answers 400 with the cure in the reason phrase, the only text that Label Studio shows."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        try:
            request.get_host()
        except DisallowedHost:
            return _refusal()
        return self.get_response(request)


def _refusal() -> HttpResponse:
    error = {
        "code": CODE,
        "message": "This server does not go by the host name of the request.",
        "hint": "Add the host name to the setting ALLOWED_HOSTS (comma-separated) and restart.",
        "request_id": structlog.contextvars.get_contextvars().get("request_id"),
    }
    return JsonResponse({"error": error}, status=400, reason=REASON)

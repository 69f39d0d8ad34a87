"""The guard of the admin: its Content-Security-Policy, and no NUL in an address."""

from collections.abc import Callable

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse

# Everything from here. The interface's Alpine evaluates the expressions of its templates, and bars
# have their widths as styles; there is no other script in a page than files of ours.
POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self' 'unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
)


class AdminGuardMiddleware:
    """Sets the policy on every answer under /admin/ that has none of its own.

    An address with a NUL is a bad request: no text of the database has one, and it raises errors
    where a list looks for it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith("/admin/"):
            return self.get_response(request)
        if "%00" in request.META.get("QUERY_STRING", "") or "\x00" in request.path_info:
            raise BadRequest("The address has a NUL.")
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", POLICY)
        return response

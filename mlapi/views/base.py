"""What every route of the protocol has in common."""

from collections.abc import Callable
from time import perf_counter
from typing import Any, cast

import orjson
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.views import APIView

from mlapi import exception_handlers, prometheus
from mlapi.authentication import Caller, ProtocolAuthentication
from registry.json_body import JSONBody


def answered(body: Any, status: int = 200) -> HttpResponse:
    """A JSON answer. NaN becomes null: Label Studio cannot read it."""
    content = orjson.dumps(body, option=orjson.OPT_NON_STR_KEYS)
    return HttpResponse(content, status=status, content_type="application/json")


class AnyAccept(BaseContentNegotiation):
    """There is one format, so an Accept header refuses nothing."""

    def select_parser(self, request: Any, parsers: list) -> Any:
        return parsers[0]

    def select_renderer(
        self, request: Any, renderers: list, format_suffix: str | None = None
    ) -> Any:
        return renderers[0], renderers[0].media_type


class ProtocolView(APIView):
    """Authenticates before the body is read; answers every error in the one form; is counted."""

    authentication_classes = [ProtocolAuthentication]
    permission_classes: list = []
    parser_classes = [JSONBody]
    content_negotiation_class = AnyAccept
    http_method_names = ["get", "head", "post"]
    schema = None  # Label Studio's protocol, not ours: it is not part of the REST schema

    @property
    def caller(self) -> Caller:
        """Who was authenticated."""
        return cast(Caller, self.request.auth)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        began = perf_counter()
        response = super().dispatch(request, *args, **kwargs)
        match = request.resolver_match
        route = (match.url_name if match else None) or "unknown"
        method = request.method if request.method in ("GET", "HEAD", "POST") else "other"
        prometheus.note_request(route, method, response.status_code, perf_counter() - began)
        return response

    def get_exception_handler(self) -> Callable:
        return exception_handlers.handle

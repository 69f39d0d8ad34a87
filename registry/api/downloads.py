"""Responses that are not JSON: Markdown, and an artifact with its SHA-256."""

import base64
from typing import Any

from django.http import FileResponse, HttpRequest
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from registry import artifacts
from registry.models import ModelVersion


class Octets(BaseRenderer):
    """The media type of a download, which is not rendered."""

    media_type = "application/octet-stream"
    format = "bin"
    charset = None
    render_style = "binary"

    def render(self, data: Any, *args: Any, **kwargs: Any) -> Any:
        return data


class Markdown(BaseRenderer):
    """Markdown text, unchanged."""

    media_type = "text/markdown"
    format = "md"

    def render(self, data: Any, *args: Any, **kwargs: Any) -> Any:
        return data


def download(request: Request | HttpRequest, version: ModelVersion) -> HttpResponseBase:
    """The file, verified before the first byte; 304 if the caller has it (`If-None-Match`).

    `ETag` is the SHA-256 in hex, `Repr-Digest` the same as RFC 9530 writes it. Raises
    ArtifactMissing or ArtifactCorrupt.
    """
    etag = f'"{version.artifact_sha256}"'
    known = get_conditional_response(request, etag=etag)
    if known is not None:
        return known
    response = FileResponse(
        artifacts.open_original(version),
        as_attachment=True,
        filename=f"{version.label}.artifact",
        content_type=Octets.media_type,
    )
    digest = base64.b64encode(bytes.fromhex(version.artifact_sha256)).decode()
    response["ETag"] = etag
    response["Repr-Digest"] = f"sha-256=:{digest}:"
    return response

"""Responses that are not JSON: Markdown, files with their SHA-256, datasets, thumbnails."""

import base64
import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedIOBase
from typing import IO, Any

from django.conf import settings
from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response, patch_vary_headers
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from registry import artifacts
from registry.engine import engine
from registry.errors import HttpError, Overloaded
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

    Raises ArtifactMissing or ArtifactCorrupt.
    """
    sha256 = version.artifact_sha256
    unchanged = _unchanged(request, sha256)
    if unchanged is not None:
        return unchanged
    file = artifacts.open_original(version)
    return _attachment(file, f"{version.label}.artifact", Octets.media_type, sha256)


def _unchanged(request: Request | HttpRequest, sha256: str) -> HttpResponseBase | None:
    """304 if the caller has the file with this hash."""
    return get_conditional_response(request, etag=f'"{sha256}"')


def _attachment(
    file: IO[bytes] | BufferedIOBase, name: str, media_type: str, sha256: str
) -> FileResponse:
    """The file; `ETag` is its SHA-256 in hex, `Repr-Digest` the same as RFC 9530 writes it."""
    response = FileResponse(file, as_attachment=True, filename=name, content_type=media_type)
    digest = base64.b64encode(bytes.fromhex(sha256)).decode()
    response["ETag"] = f'"{sha256}"'
    response["Repr-Digest"] = f"sha-256=:{digest}:"
    return response


# A large version's export takes memory and a second; others wait for their turn.
_exporting = threading.BoundedSemaphore(1)
_EXPORT_WAIT_S = 30.0


class Zip(Octets):
    """The media type of an export."""

    media_type = "application/zip"
    format = "zip"


def export_response(request: Request | HttpRequest, version: ModelVersion) -> HttpResponseBase:
    """The version's export; 304 if the caller has it (`If-None-Match`).

    Raises Overloaded, and what the engine's `export` raises.
    """
    if not _exporting.acquire(timeout=_EXPORT_WAIT_S):
        raise Overloaded
    try:
        file = engine().export(version)
    finally:
        _exporting.release()
    sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    file.seek(0)
    unchanged = _unchanged(request, sha256)
    if unchanged is not None:
        file.close()
        return unchanged
    return _attachment(file, f"{version.label}.export.zip", Zip.media_type, sha256)


_ENDINGS = {"jsonl": "jsonl", "labelstudio": "json"}


def dataset_response(version: ModelVersion, form: str) -> HttpResponseBase:
    """The version's dataset, streamed. Raises what the engine's `dataset` raises."""
    response = StreamingHttpResponse(
        engine().dataset(version, form), content_type=Octets.media_type
    )
    name = f"{version.label}.dataset.{_ENDINGS[form]}"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


_MAX_AGE_S = 300  # going back to a page downloads no image again
# At most this part of a web process's threads downloads thumbnails: predictions may use half of
# the threads for their images, and the rest serves other requests.
_SHARE = 4
_WAIT_S = 1.0  # a cached image takes milliseconds, so that a page of them waits for its slots


class Jpeg(Octets):
    """The media type of a thumbnail."""

    media_type = "image/jpeg"
    format = "jpg"


class TooManyThumbnails(HttpError):
    """Too many uncached thumbnails at once, which would delay Label Studio's requests."""

    code = "too_many_thumbnails"
    text = "Too many thumbnails are being downloaded at once."


_slots = threading.BoundedSemaphore(max(1, settings.WEB_THREADS // _SHARE))


@contextmanager
def download_slot() -> Iterator[None]:
    """Limits the threads that download thumbnails. Raises TooManyThumbnails after a second."""
    if not _slots.acquire(timeout=_WAIT_S):
        raise TooManyThumbnails
    try:
        yield
    finally:
        _slots.release()


def jpeg_response(request: Request | HttpRequest, content: bytes) -> HttpResponseBase:
    """The JPEG; 304 if the caller has it (`If-None-Match`)."""
    response = HttpResponse(content, content_type=Jpeg.media_type)
    response["ETag"] = f'"{hashlib.sha256(content).hexdigest()}"'
    response["Cache-Control"] = f"private, max-age={_MAX_AGE_S}"
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    patch_vary_headers(response, ["Authorization", "Cookie"])
    return get_conditional_response(request, etag=response["ETag"], response=response) or response

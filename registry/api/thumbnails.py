"""A thumbnail as an HTTP response: cached by the browser, never interpreted as another type."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response, patch_vary_headers
from rest_framework.request import Request

from registry.errors import HttpError

from .downloads import Octets

_FRESH_S = 300  # a page that is turned back to asks for none of its images again
# Of the threads of a web process so many at most fetch images to be shown: predictions may take
# half of them for theirs, and the rest is for everyone else.
_SHARE = 4
_PATIENCE_S = 1.0  # an image that is kept takes milliseconds: a page of them waits its turn


class Jpeg(Octets):
    """The type of the answer."""

    media_type = "image/jpeg"
    format = "jpg"


class TooManyAtOnce(HttpError):
    """Too many uncached thumbnails at once, which would delay Label Studio's requests."""

    code = "too_many_thumbnails"
    text = "Too many images are being fetched at once."


_places = threading.BoundedSemaphore(max(1, settings.WEB_THREADS // _SHARE))


@contextmanager
def one_of_few() -> Iterator[None]:
    """Limits the threads that fetch thumbnails. Raises TooManyAtOnce after a second."""
    if not _places.acquire(timeout=_PATIENCE_S):
        raise TooManyAtOnce
    try:
        yield
    finally:
        _places.release()


def jpeg_answer(request: Request | HttpRequest, content: bytes) -> HttpResponseBase:
    """The JPEG; 304 if the caller has it (`If-None-Match`)."""
    response = HttpResponse(content, content_type=Jpeg.media_type)
    response["ETag"] = f'"{hashlib.sha256(content).hexdigest()}"'
    response["Cache-Control"] = f"private, max-age={_FRESH_S}"
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    patch_vary_headers(response, ["Authorization", "Cookie"])
    return get_conditional_response(request, etag=response["ETag"], response=response) or response

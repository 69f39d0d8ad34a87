"""Thumbnails of tasks' images, for the pages that show tasks."""

import io
import os
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from time import time

from django.conf import settings

from mlapi.domain import InputError
from mlapi.media.reader import MediaReader
from registry.errors import EvalsError
from registry.models import Project

SIDE, LARGE = 160, 480  # pixels of the longer one
_QUALITY = 80
_MAX_AGE_S = 7 * 24 * 3600.0


class NoThumbnail(EvalsError):
    """The task's image cannot be shown; the message says why."""

    code = "no_thumbnail"


def thumbnail(project: Project, address: str, *, large: bool = False) -> bytes:
    """A JPEG of the image at an address that a task of the project has. Raises NoThumbnail."""
    side = LARGE if large else SIDE
    try:
        with MediaReader(project) as reader:
            fetched = reader.fetch(address)
        cached = _folder() / f"{fetched.sha256}-{side}.jpg"
        if not cached.exists():
            _write(cached, _small(fetched.path, side))
        return cached.read_bytes()
    except InputError as error:
        raise NoThumbnail(f"{error.code}: {error.message}") from error


def trim(older_than_s: float = _MAX_AGE_S) -> int:
    """Remove old thumbnails; returns how many. They are made again when requested."""
    removed = 0
    for path in _folder().glob("*.jpg*"):
        with suppress(FileNotFoundError):
            if time() - path.stat().st_mtime > older_than_s:
                path.unlink()
                removed += 1
    return removed


def _small(path: Path, side: int) -> bytes:
    from PIL import Image

    from mlapi.images.decoding import read_image

    small = io.BytesIO()
    Image.fromarray(read_image(path, side)).save(small, "JPEG", quality=_QUALITY)
    return small.getvalue()


def _folder() -> Path:
    folder = Path(settings.DATA_DIR) / "cache" / "thumbnails"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all; two that write the same thumbnail write the same bytes."""
    with NamedTemporaryFile(dir=path.parent, prefix=f"{path.name}.", delete=False) as partial:
        try:
            partial.write(content)
            partial.flush()
            os.replace(partial.name, path)
        finally:
            with suppress(FileNotFoundError):  # moved
                os.unlink(partial.name)

"""Small pictures of tasks, for people who look at mistakes, cells, clusters and neighbours."""

import io
import os
from contextlib import suppress
from pathlib import Path
from time import time

from django.conf import settings

from mlapi.domain import InputProblem
from mlapi.media.reader import MediaReader
from mlapi.served_config import asked
from registry.errors import EvalsError
from registry.models import Task

SIDE = 160  # pixels of the longer one
_QUALITY = 80
_KEPT_S = 7 * 24 * 3600.0


class NoThumbnail(EvalsError):
    """The task's picture cannot be shown; the message says why."""

    code = "no_thumbnail"


def thumbnail(task: Task) -> bytes:
    """A JPEG of the first picture that the task's label config shows. Raises NoThumbnail."""
    address = address_of(task)
    if address is None:
        raise NoThumbnail("The task has no picture.")
    try:
        with MediaReader(task.project) as reader:
            fetched = reader.fetch(address)
        kept = _folder() / f"{fetched.sha256}.jpg"
        if not kept.exists():
            _write(kept, _small(fetched.path))
        return kept.read_bytes()
    except InputProblem as problem:
        raise NoThumbnail(f"{problem.code}: {problem.message}") from problem


def trim(older_than_s: float = _KEPT_S) -> int:
    """Remove thumbnails of long ago; returns how many. They are made again when asked for."""
    removed = 0
    for path in _folder().glob("*.jpg*"):
        with suppress(FileNotFoundError):
            if time() - path.stat().st_mtime > older_than_s:
                path.unlink()
                removed += 1
    return removed


def address_of(task: Task) -> str | None:
    """The address of the picture that the task is shown with; None for a task of texts."""
    found = asked(task.project.label_config, task.project.options)
    return found.input_of(task.data) if found.sees else None


def _small(path: Path) -> bytes:
    from PIL import Image

    from mlapi.media.pictures import read_picture

    small = io.BytesIO()
    Image.fromarray(read_picture(path, SIDE)).save(small, "JPEG", quality=_QUALITY)
    return small.getvalue()


def _folder() -> Path:
    folder = Path(settings.DATA_DIR) / "cache" / "thumbnails"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all; two that write the same thumbnail write the same bytes."""
    partial = path.with_name(f"{path.name}.{os.getpid()}")
    partial.write_bytes(content)
    partial.replace(path)

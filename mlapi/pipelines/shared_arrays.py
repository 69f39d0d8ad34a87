"""Large arrays of loaded versions, which the processes of one server hold once.

Each is a file that only we may read, written from bytes that were verified, named by their
SHA-256 and compared with it whenever it is mapped. It is mapped copy-on-write: who writes to such
an array has what it wrote for itself.
"""

import hashlib
import mmap
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Literal

import numpy as np
import structlog

log = structlog.get_logger(__name__)

LEAST = 2**20  # bytes; a smaller array isn't worth its pages


class _Shared:
    """Where this process and its forks share arrays, and how many bytes of them are kept."""

    folder: Path | None = None
    most = 0


def share(folder: Path, most: int) -> None:
    """Share arrays in this folder, which is emptied, from now on; the newest `most` bytes stay."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True)
    _Shared.folder, _Shared.most = folder, most


def placed(array: np.ndarray) -> np.ndarray:
    """An array of the same content, which owns its memory or shares it with other processes."""
    if _Shared.folder is None or array.nbytes < LEAST:
        return array.copy(order="K")
    order: Literal["C", "F"] = (
        "F" if array.flags.f_contiguous and not array.flags.c_contiguous else "C"
    )
    content = array.tobytes(order)
    try:
        mapped = _mapped(_Shared.folder, content)
    except OSError as error:  # such as a full disk
        log.warning("array_not_shared", error=str(error))
        return array.copy(order="K")
    return np.frombuffer(mapped, array.dtype).reshape(array.shape, order=order)


def _mapped(folder: Path, content: bytes) -> mmap.mmap:
    """The file of that content, which is written if it isn't there or has another one."""
    digest = hashlib.sha256(content)
    path = folder / digest.hexdigest()
    with suppress(OSError, ValueError):
        found = _map(path)
        if hashlib.sha256(found).digest() == digest.digest():
            return found
        log.error("shared_array_altered", file=path.name)
    draft = path.with_suffix(f".{os.getpid()}")
    with open(draft, "xb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.write(content)
    draft.replace(path)
    _trim(folder)
    return _map(path)


def _map(path: Path) -> mmap.mmap:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        return mmap.mmap(descriptor, 0, access=mmap.ACCESS_COPY)
    finally:
        os.close(descriptor)


def _trim(folder: Path) -> None:
    """Remove the oldest files above the limit: who has mapped one keeps it."""
    files = sorted(folder.iterdir(), key=lambda path: -path.stat().st_mtime_ns)
    total = 0
    for path in files:
        total += path.stat().st_size
        if total > _Shared.most:
            path.unlink(missing_ok=True)

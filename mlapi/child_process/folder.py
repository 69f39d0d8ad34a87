"""Work folders of child processes: one each, removed at the end, also after a killed worker."""

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal
from uuid import uuid4

import structlog
from django.conf import settings

log = structlog.get_logger(__name__)

# A younger folder may not be locked by its creator yet.
_YOUNG_S = 60
_KINDS = ("run", "convert", "load-check")


def home() -> Path:
    """The parent of all work folders of this machine."""
    return Path(settings.DATA_DIR) / "eva"


@contextmanager
def work_folder(run_id: int) -> Iterator[Path]:
    """The folder `DATA_DIR/eva/run-<id>/`; see `_locked`."""
    sweep()
    with _locked(f"run-{run_id}") as folder:
        yield folder


@contextmanager
def temporary_folder(kind: Literal["convert", "load-check"]) -> Iterator[Path]:
    """A folder of that kind under a name that no other has; see `_locked`."""
    with _locked(f"{kind}-{uuid4().hex}") as folder:
        yield folder


@contextmanager
def _locked(name: str) -> Iterator[Path]:
    """An empty folder, readable by its owner only; removed afterwards.

    It is locked while in use. The lock ends with the process that holds it, so `sweep` can tell
    what a killed worker left from what is in use.
    """
    folder = home() / name
    _remove(folder)
    folder.mkdir(parents=True, mode=0o700)
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(descriptor)


def _remove(path: Path) -> None:
    """Remove the folder, or what else lies in its place; a link, and not what it leads to."""
    if path.is_symlink() or path.is_file():
        path.unlink()
    else:
        shutil.rmtree(path, ignore_errors=True)


def sweep(young_s: float = _YOUNG_S) -> list[str]:
    """Removes the folders that killed workers left; returns their names."""
    removed = []
    for folder in sorted(path for kind in _KINDS for path in home().glob(f"{kind}-*")):
        try:
            if time.time() - folder.stat().st_mtime < young_s:
                continue
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError:
            continue  # another worker removed it, or it is no folder
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
            removed.append(folder.name)
        except BlockingIOError:
            pass  # in use
        finally:
            os.close(descriptor)
    if removed:
        log.warning("work folders of killed workers removed", folders=removed)
    return removed

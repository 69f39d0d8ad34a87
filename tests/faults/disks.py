"""Small disks of memory that fill up, for root where mounting is allowed."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

_CHUNK = bytes(2**16)


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """A file system of that size at the folder; skips the test where none can be mounted."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to mount a small disk")
    folder.mkdir(parents=True, exist_ok=True)
    options = f"size={megabytes}m,mode=0755"
    command = ["mount", "-t", "tmpfs", "-o", options, "none", str(folder)]
    mounted = subprocess.run(command, capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"needs to mount a small disk: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder: Path, *, but: int = 0) -> None:
    """Take all the space that is left but so many bytes; `make_room` gives it back."""
    path = folder / ".filling"
    with open(path, "ab", buffering=0) as file, suppress(OSError):
        while file.write(_CHUNK):
            pass
    os.truncate(path, path.stat().st_size - but)


def make_room(folder: Path) -> None:
    (folder / ".filling").unlink(missing_ok=True)

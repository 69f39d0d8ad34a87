"""Keeps fetched files on disk, once per content, and remembers which address had which."""

import fcntl
import hashlib
import json
import os
import tempfile
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from time import monotonic, sleep, time
from typing import IO

UNTOUCHED_S = 60.0  # what was handed out this lately is not evicted, however full it is
LEFTOVER_S = 3600.0  # a file that is still being written after this belongs to no one any more
_LOCK_WAIT_S = 2.0
# What a process has written since it last looked at the whole; looking takes 3 ms a thousand files.
_written: defaultdict[Path, int | None] = defaultdict(lambda: None)
_written_lock = threading.Lock()


@dataclass(frozen=True)
class CacheEntry:
    """What an address had when it was last asked; `checked_at` in seconds since 1970."""

    sha256: str
    size: int
    checked_at: float
    etag: str = ""
    last_modified: str = ""


class MediaCache:
    """A folder that any number of processes share; there is nothing else that they would need.

    `content/<2 hex>/<SHA-256>` are the files, `index/<space>/<SHA-256 of the address>` what
    each address had. An address itself is never written, for it may hold a signature. The
    longest unused goes first when all of it is larger than `limit_bytes`; a modification
    time is when it was last used.
    """

    def __init__(self, root: Path, limit_bytes: int) -> None:
        self._root, self._limit = root, limit_bytes
        for name in ("", "content", "index", "part"):
            (root / name).mkdir(mode=0o700, parents=True, exist_ok=True)

    # Addresses

    def recall(self, space: str, address: str) -> CacheEntry | None:
        """What the address had, in this space and no other; None if that is not known."""
        path = self._index(space, address)
        try:
            entry = CacheEntry(**json.loads(path.read_bytes()))
            os.utime(path)
        except (OSError, ValueError, TypeError):
            return None
        return entry

    def remember(self, space: str, address: str, entry: CacheEntry) -> None:
        """From now on the address has this, in this space."""
        path = self._index(space, address)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        with self.open_temp() as part:
            part.write(json.dumps(asdict(entry)).encode())
            part.flush()
            os.replace(part.name, path)

    def _index(self, space: str, address: str) -> Path:
        name = hashlib.sha256(address.encode()).hexdigest()
        return self._root / "index" / space / name

    # Content

    def get(self, sha256: str) -> Path | None:
        """The file with this content, verified and safe from eviction for a while; else None."""
        path = self._content(sha256)
        with self._locked(fcntl.LOCK_SH):
            try:
                with path.open("rb") as file:
                    if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
                        return None
                    os.utime(file.fileno())
            except FileNotFoundError:
                return None
        return path

    @contextmanager
    def open_temp(self) -> Iterator[IO[bytes]]:
        """A file to write to. It is gone at the end, unless it was given a place."""
        with tempfile.NamedTemporaryFile(dir=self._root / "part", delete=False) as part:
            try:
                yield part
            finally:
                with suppress(FileNotFoundError):
                    os.unlink(part.name)

    def put(self, part: IO[bytes], sha256: str, size: int) -> Path:
        """Give a written part, whose SHA-256 that is, its place among the content."""
        part.flush()
        path = self._content(sha256)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        with self._locked(fcntl.LOCK_SH):
            os.utime(part.fileno())
            os.replace(part.name, path)
        self._count(size)
        return path

    def _content(self, sha256: str) -> Path:
        return self._root / "content" / sha256[:2] / sha256

    @contextmanager
    def _locked(self, how: int) -> Iterator[None]:
        """Shared by those who hand files out, alone for the one that evicts."""
        with open(self._root / "lock", "a") as lock:
            fcntl.flock(lock, how)
            yield

    # Size

    def _count(self, size: int) -> None:
        """Evict when this process has written a thirty-second of the limit, and at its first."""
        with _written_lock:
            written = _written[self._root]
            is_due = written is None or written + size > self._limit // 32
            _written[self._root] = 0 if is_due or written is None else written + size
        if is_due:
            self.evict()

    def evict(self) -> None:
        """Remove the longest unused until an eighth of the limit is free, if it is exceeded."""
        now = time()
        _remove_leftovers(self._root / "part", now - LEFTOVER_S)
        content = sorted(_files(self._root / "content"))
        index = list(_files(self._root / "index"))
        total = sum(size for _, size, _ in content) + sum(size for _, size, _ in index)
        if total <= self._limit:
            return
        with self._alone() as is_alone:
            if not is_alone:
                return  # another process evicts, or files are handed out without a pause
            oldest_kept = self._remove(content, total - self._limit * 7 // 8, now - UNTOUCHED_S)
        for used_at, _, path in index:
            if used_at < oldest_kept:  # its content is gone, or is found under other addresses
                with suppress(FileNotFoundError):
                    os.unlink(path)

    def _remove(self, content: list[tuple[float, int, str]], excess: int, latest: float) -> float:
        """Remove from the first until `excess` bytes are free; what was last used before the
        moment returned may be gone. Nothing that was used after `latest`."""
        for used_at, size, path in content:
            if excess <= 0 or used_at > latest:
                return used_at
            with suppress(FileNotFoundError):
                if os.stat(path).st_mtime == used_at:  # not used since it was listed
                    os.unlink(path)
                    excess -= size
        return latest

    @contextmanager
    def _alone(self) -> Iterator[bool]:
        with open(self._root / "lock", "a") as lock:
            until = monotonic() + _LOCK_WAIT_S
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    if monotonic() > until:
                        yield False
                        return
                    sleep(0.005)
                else:
                    yield True
                    return


def _files(folder: Path) -> Iterator[tuple[float, int, str]]:
    """(last used, bytes on disk, path) of all files in the folders of a folder."""
    for entry in _listed(folder):
        for file in _listed(entry.path):
            with suppress(FileNotFoundError):
                stat = file.stat()
                yield stat.st_mtime, max(stat.st_size, stat.st_blocks * 512), file.path


def _listed(folder: Path | str) -> Iterable[os.DirEntry[str]]:
    with suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder) as entries:
        return list(entries)
    return []


def _remove_leftovers(folder: Path, before: float) -> None:
    for entry in _listed(folder):
        with suppress(FileNotFoundError):
            if entry.stat().st_mtime < before:
                os.unlink(entry.path)

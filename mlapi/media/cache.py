"""Caches downloaded files on disk, once per content, with an index from address to content.

Not diskcache: it stores a content once per key, and deletes a file whose path it has just handed
out when the cache is full. Not an HTTP cache (hishel): it hands out responses, and files are read
by path here.
"""

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

UNTOUCHED_S = 60.0  # a file that was handed out this recently is not evicted
LEFTOVER_S = 3600.0  # a temporary file this old is left over from a process that has ended
_LOCK_WAIT_S = 2.0
# Bytes that this process has written since it last evicted; listing takes 3 ms per 1,000 files.
_written: defaultdict[Path, int | None] = defaultdict(lambda: None)
_written_lock = threading.Lock()


@dataclass(frozen=True)
class CacheEntry:
    """The content of an address when it was last checked; `checked_at` in seconds since 1970."""

    sha256: str
    size: int
    checked_at: float
    etag: str = ""
    last_modified: str = ""


class MediaCache:
    """A folder that any number of processes share.

    The files are `content/<2 hex>/<SHA-256>`, the entries `index/<space>/<SHA-256 of the
    address>`. Addresses are not written, since they may contain signatures. Above `limit_bytes`
    the least recently used files are removed; a modification time is the time of last use.
    """

    def __init__(self, root: Path, limit_bytes: int) -> None:
        self._root, self._limit = root, limit_bytes
        for name in ("", "content", "index", "part"):
            (root / name).mkdir(mode=0o700, parents=True, exist_ok=True)

    # Addresses

    def get_entry(self, space: str, address: str) -> CacheEntry | None:
        """The entry of the address in this space; None without one."""
        path = self._index(space, address)
        try:
            entry = CacheEntry(**json.loads(path.read_bytes()))
            os.utime(path)
        except (OSError, ValueError, TypeError):
            return None
        return entry

    def put_entry(self, space: str, address: str, entry: CacheEntry) -> None:
        """Stores the entry of the address in this space."""
        path = self._index(space, address)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        with self.open_temp() as temp:
            temp.write(json.dumps(asdict(entry)).encode())
            temp.flush()
            os.replace(temp.name, path)

    def _index(self, space: str, address: str) -> Path:
        name = hashlib.sha256(address.encode()).hexdigest()
        return self._root / "index" / space / name

    # Content

    def get(self, sha256: str) -> Path | None:
        """The file with this content, verified, not evicted for UNTOUCHED_S; None without one."""
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
        """A temporary file; deleted at the end, unless `put` has moved it."""
        with tempfile.NamedTemporaryFile(dir=self._root / "part", delete=False) as temp:
            try:
                yield temp
            finally:
                with suppress(FileNotFoundError):
                    os.unlink(temp.name)

    def put(self, temp: IO[bytes], sha256: str, size: int) -> Path:
        """Moves a written temporary file, whose SHA-256 that is, into the content."""
        temp.flush()
        path = self._content(sha256)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        with self._locked(fcntl.LOCK_SH):
            os.utime(temp.fileno())
            os.replace(temp.name, path)
        self._count(size)
        return path

    def _content(self, sha256: str) -> Path:
        return self._root / "content" / sha256[:2] / sha256

    @contextmanager
    def _locked(self, how: int) -> Iterator[None]:
        """The lock: shared while files are handed out, exclusive while files are evicted."""
        with open(self._root / "lock", "a") as lock:
            fcntl.flock(lock, how)
            yield

    # Size

    def _count(self, size: int) -> None:
        """Evicts at this process's first file, and after each 32nd part of the limit written."""
        with _written_lock:
            written = _written[self._root]
            is_due = written is None or written + size > self._limit // 32
            _written[self._root] = 0 if is_due or written is None else written + size
        if is_due:
            self.evict()

    def evict(self) -> None:
        """Above the limit, removes the least recently used files until an eighth of it is free."""
        now = time()
        _remove_leftovers(self._root / "part", now - LEFTOVER_S)
        content = sorted(_files(self._root / "content"))
        index = list(_files(self._root / "index"))
        total = sum(size for _, size, _ in content) + sum(size for _, size, _ in index)
        if total <= self._limit:
            return
        with self._exclusive() as is_exclusive:
            if not is_exclusive:
                return  # another process evicts, or files are being handed out
            cutoff = self._remove(content, total - self._limit * 7 // 8, now - UNTOUCHED_S)
        for used_at, _, path in index:
            if used_at < cutoff:  # its content is removed, or has other entries
                with suppress(FileNotFoundError):
                    os.unlink(path)

    def _remove(self, content: list[tuple[float, int, str]], excess: int, latest: float) -> float:
        """Removes files in order until `excess` bytes are free, none used after `latest`.

        Returns a time: files last used before it may be removed.
        """
        for used_at, size, path in content:
            if excess <= 0 or used_at > latest:
                return used_at
            with suppress(FileNotFoundError):
                if os.stat(path).st_mtime == used_at:  # not used since it was listed
                    os.unlink(path)
                    excess -= size
        return latest

    @contextmanager
    def _exclusive(self) -> Iterator[bool]:
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

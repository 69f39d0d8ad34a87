"""Fetches the files that a project's tasks name: from the cache, Label Studio or other hosts."""

import hashlib
import math
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from time import monotonic, time

import structlog
from django.conf import settings

from mlapi.domain import InputError
from mlapi.media import addresses, download, fetch
from mlapi.media.addresses import AddressRefused, WebAddress
from mlapi.media.allowlist import AllowedHosts
from mlapi.media.cache import CacheEntry, MediaCache
from mlapi.media.download import Deadline, Response
from mlapi.media.fetch import Resolver
from mlapi.media.labelstudio import LabelStudioMedia, LabelStudioPath, StoragePolicy, signed_address
from registry.models import Project

log = structlog.get_logger(__name__)
THREADS = 4
FRESH_S = 3600.0  # a cached file is not checked again for this long; an upload never
CHECK_S = 0.2
_MB = 2**20


@dataclass(frozen=True)
class Fetched:
    """A file in the cache. Not evicted for a minute: link or read it, never change it."""

    path: Path
    sha256: str
    size: int


class MediaReader:
    """Fetches files by the addresses in a project's tasks. Use it in a `with`.

    Label Studio is called at the first file that it serves, with the project's own credentials.
    Other hosts are those of MEDIA_ALLOWED_HOSTS. `read` counts the files that were downloaded,
    `cached` those that were not; inline images are not counted.
    """

    def __init__(self, project: Project, *, resolve: Resolver = fetch.resolve_host) -> None:
        self.read = self.cached = 0
        self._counting = threading.Lock()
        self._space = str(project.pk)
        self._resolve = resolve
        self._max_bytes = settings.MEDIA_MAX_MB * _MB
        self._timeout_s = settings.MEDIA_TIMEOUT_S
        self._allowed = AllowedHosts(settings.MEDIA_ALLOWED_HOSTS)
        self._labelstudio = LabelStudioMedia(project, self._timeout_s)
        self._cache = MediaCache(
            settings.DATA_DIR / "cache" / "media", settings.MEDIA_CACHE_MB * _MB
        )

    def __enter__(self) -> "MediaReader":
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections."""
        self._labelstudio.close()

    def fetch(self, address: str) -> Fetched:
        """The file at an address. Raises InputError, its message one ASCII line to be shown."""
        return self._fetch(address, Deadline(self._timeout_s))

    def in_cache(self, address: str) -> Fetched | None:
        """The file if the cache has it, of whatever age; connects to nothing."""
        try:
            if addresses.is_inline(address):
                return self._inline(addresses.decode_inline(address))
            source = self._source(address)
            cached = self._cache.get_entry(self._space, _key(source))
            path = self._cache.get(cached.sha256) if cached else None
        except (AddressRefused, InputError, OSError):
            return None
        return Fetched(path, cached.sha256, cached.size) if cached and path else None

    def fetch_each(
        self,
        addresses: Iterable[str],
        check: Callable[[], object] = lambda: None,
        until: float = math.inf,
    ) -> Iterator[tuple[str, Fetched | InputError]]:
        """Each distinct address with its file or error, in order of completion.

        Errors are independent. `check` is called in this thread several times a second; an
        exception of it is raised at once, and running downloads are cut off. At `until`, by the
        monotonic clock, they are cut off as well, and the iteration ends.
        """
        waiting = iter(dict.fromkeys(addresses))
        running: dict[Future[Fetched | InputError], tuple[str, Deadline]] = {}
        pool = ThreadPoolExecutor(THREADS, thread_name_prefix="media")
        try:
            while monotonic() < until:
                check()
                for address in islice(waiting, 2 * THREADS - len(running)):
                    deadline = Deadline(self._timeout_s)
                    running[pool.submit(self._fetched, address, deadline)] = address, deadline
                if not running:
                    return
                for done in wait(running, CHECK_S, FIRST_COMPLETED).done:
                    address, _ = running.pop(done)
                    yield address, done.result()
        finally:
            for _, deadline in running.values():
                deadline.cut()
            pool.shutdown(wait=False, cancel_futures=True)

    def _fetched(self, address: str, deadline: Deadline) -> Fetched | InputError:
        try:
            return self._fetch(address, deadline)
        except InputError as problem:
            return problem

    def _fetch(self, address: str, deadline: Deadline) -> Fetched:
        try:
            if addresses.is_inline(address):
                return self._inline(addresses.decode_inline(address))
            return self._file(self._source(address), deadline)
        except AddressRefused as refused:
            raise InputError("media_address_refused", refused.message) from refused
        except OSError as error:  # those of the network are InputErrors already
            log.exception("media_cache_failed")
            raise InputError("media_cache_failed", "The cache of files is not usable.") from error

    def _source(self, address: str) -> LabelStudioPath | WebAddress:
        text = addresses.clean(address)
        path = self._labelstudio.path_of(text)
        if path is not None:
            return path
        web = addresses.parse(text)
        fetch.require(self._allowed, web)
        return web

    def _file(self, source: LabelStudioPath | WebAddress, deadline: Deadline) -> Fetched:
        key = _key(source)
        cached = self._cache.get_entry(self._space, key)
        path = self._cache.get(cached.sha256) if cached else None
        if cached and path and _is_fresh(cached, source):
            return self._counted(Fetched(path, cached.sha256, cached.size), was_read=False)
        with (
            deadline,
            self._response(source, _conditions(cached if path else None), deadline) as response,
        ):
            if cached and path and response.status == download.NOT_MODIFIED:
                self._cache.put_entry(self._space, key, replace(cached, checked_at=time()))
                return self._counted(Fetched(path, cached.sha256, cached.size), was_read=False)
            with self._cache.open_temp() as temp:
                sha256, size = download.save(response, temp, self._max_bytes, deadline)
                path = self._cache.put(temp, sha256, size)
            entry = CacheEntry(
                sha256,
                size,
                time(),
                etag=response.headers.get("etag", ""),
                last_modified=response.headers.get("last-modified", ""),
            )
        self._cache.put_entry(self._space, key, entry)
        return self._counted(Fetched(path, sha256, size), was_read=True)

    @contextmanager
    def _response(
        self, source: LabelStudioPath | WebAddress, headers: dict[str, str], deadline: Deadline
    ) -> Iterator[Response]:
        """The response after the allowed redirects, which are followed without a token."""
        policy: fetch.AddressPolicy = self._allowed
        if isinstance(source, LabelStudioPath):
            policy = StoragePolicy(self._allowed)
            with self._labelstudio.get(source, headers, deadline) as response:
                signed = signed_address(response, policy)
                if signed is None:
                    yield response
                    return
            source = signed
        with fetch.get(
            source, policy, deadline, headers=headers, resolve=self._resolve
        ) as response:
            yield response

    def _inline(self, content: bytes) -> Fetched:
        if len(content) > self._max_bytes:
            raise download.too_large(self._max_bytes)
        sha256 = hashlib.sha256(content).hexdigest()
        path = self._cache.get(sha256)
        if path is None:
            with self._cache.open_temp() as temp:
                temp.write(content)
                path = self._cache.put(temp, sha256, len(content))
        return Fetched(path, sha256, len(content))

    def _counted(self, fetched: Fetched, *, was_read: bool) -> Fetched:
        with self._counting:
            self.read += was_read
            self.cached += not was_read
        return fetched


def _key(source: LabelStudioPath | WebAddress) -> str:
    """Of the source's entry in the cache."""
    return source.path if isinstance(source, LabelStudioPath) else str(source)


def _is_fresh(entry: CacheEntry, source: LabelStudioPath | WebAddress) -> bool:
    if isinstance(source, LabelStudioPath) and source.is_immutable:
        return True
    return 0 <= time() - entry.checked_at < FRESH_S


def _conditions(entry: CacheEntry | None) -> dict[str, str]:
    """The headers of a conditional request, for a 304 if the file has not changed."""
    if entry is None:
        return {}
    if entry.etag:
        return {"If-None-Match": entry.etag}
    return {"If-Modified-Since": entry.last_modified} if entry.last_modified else {}

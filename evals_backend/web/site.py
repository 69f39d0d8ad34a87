"""What the web server serves: Django, the health at once, and a lane for each kind of request."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from time import perf_counter, time
from typing import Any, NamedTuple

import structlog
from django.conf import settings

from evals_backend import addresses, health_layer
from evals_backend.web import messages
from evals_backend.web.lanes import Job, Limits
from evals_backend.web.messages import Exchange, Head, RequestRefused
from mlapi import gaps, registry_cache
from mlapi.monitoring import counters
from registry.postgresql import deadline

log = structlog.get_logger(__name__)

_KEYS = re.compile(r"(/k/[^/]*)*")
_MAY_BE_HEALTH = re.compile(rb"(?:GET|HEAD) [^ ]*/(?:health/?)?(?:\?[^ ]*)? HTTP/1\.1\r\n")
_CACHED_MAX = 1_024  # heads of the health, and paths
_CACHED_PATH_MAX = 200  # characters

# Label Studio waits one second for a webhook, and sends it once. The others may take longer.
_LANES = {
    "/": "health",
    "/health": "health",
    "/ready": "health",
    "/webhook": "quick",
    "/setup": "quick",
    "/is_training": "quick",
    "/predict": "predict",
}
# Seconds for which a request waits for the database in all.
_DATABASE_S = {"health": 2.0, "quick": 5.0, "predict": 5.0, "pages": 60.0}
_WEBHOOK_S = 0.8
_QUEUED_S = 2.0  # stored late is better than refused, though Label Studio has given up


class _Instant(NamedTuple):
    """A head that is answered at once, and with what: before and after the date."""

    kind: health_layer.Kind
    environ: dict[str, Any]
    before_date: bytes
    after_date: bytes


class _Result:
    """A WSGI result, each part and the end of which may wait for the database for so long."""

    def __init__(self, result: Iterable[bytes], seconds: float) -> None:
        self._result = result
        self._seconds = seconds

    def __iter__(self) -> Iterator[bytes]:
        parts = iter(self._result)
        while True:
            with deadline.within(self._seconds):
                part = next(parts, None)
            if part is None:
                return
            yield part

    def close(self) -> None:
        with deadline.within(self._seconds):
            getattr(self._result, "close", lambda: None)()


class Site:
    """One for each process."""

    def __init__(self, application: health_layer.HealthLayer) -> None:
        self._application = application
        self._instants: dict[bytes, _Instant] = {}
        self._cached_route = lru_cache(maxsize=_CACHED_MAX)(_route)
        self.body_max = settings.MAX_REQUEST_MB * 1024 * 1024
        threads = settings.WEB_THREADS
        self.limits: Mapping[str, Limits] = {
            "health": Limits(threads=1, waiting=64, wait_s=5.0),
            "quick": Limits(threads=threads, waiting=256, wait_s=_QUEUED_S),
            "predict": Limits(threads=threads, waiting=settings.PREDICT_QUEUE, wait_s=60.0),
            "pages": Limits(threads=max(2, threads // 2), waiting=64, wait_s=60.0),
        }

    def lane(self, path: str) -> str:
        """The name of the lane of a path, with or without a key; `pages` if it is no hot route."""
        return _LANES.get(self._route_of(path), "pages")

    def instant(self, raw: bytes, address: messages.Address) -> bytes | None:
        """The answer of the health to a head that came before; None where a view must answer."""
        instant = self._instants.get(raw)
        if instant is None:
            if not _MAY_BE_HEALTH.match(raw):
                return None
            instant = self._recognise(raw, address)
            if instant is None:
                return None
        started = perf_counter()
        environ = instant.environ | {"REMOTE_ADDR": address[0]}
        health_layer.note(instant.kind, environ, perf_counter() - started)
        return b"".join(
            (instant.before_date, messages.http_date(int(time())).encode(), instant.after_date)
        )

    def _recognise(self, raw: bytes, address: messages.Address) -> _Instant | None:
        """The head's answer, if that of its kind is cached and the connection stays open."""
        try:
            head = Head(raw, address)
            environ = Exchange(head, address, ("", 0), b"").environ
        except RequestRefused:
            return None  # it is parsed again, and refused
        kind = health_layer.kind_of(environ)
        answer = self._application.cached(kind) if kind else None
        if kind is None or answer is None or head.length or head.is_chunked or not head.keeps_alive:
            return None
        noted = ("QUERY_STRING", "HTTP_X_REQUEST_ID")
        found = _Instant(
            kind,
            {name: environ[name] for name in noted if name in environ},
            *messages.rendered(answer.status, answer.headers, answer.body),
        )
        if "HTTP_X_REQUEST_ID" not in environ:  # each has another
            if len(self._instants) >= _CACHED_MAX:
                self._instants.clear()
            self._instants[raw] = found
        return found

    def _route_of(self, path: str) -> str:
        return self._cached_route(path) if len(path) <= _CACHED_PATH_MAX else _route(path)

    def application(self, environ: dict[str, Any], start_response: Callable) -> Iterable[bytes]:
        """Django, with the time that its database has."""
        route = self._route_of(environ["PATH_INFO"])
        if route == "/webhook":
            return self._webhook(environ, start_response)
        return self._answered(environ, start_response, _DATABASE_S[_LANES.get(route, "pages")])

    def _answered(
        self, environ: dict[str, Any], start_response: Callable, seconds: float
    ) -> _Result:
        with deadline.within(seconds):
            return _Result(self._application(environ, start_response), seconds)

    def _webhook(self, environ: dict[str, Any], start_response: Callable) -> Iterable[bytes]:
        """An event that was not stored is noted, for Label Studio does not send it again."""

        def begin(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            if status.startswith("5"):
                gaps.note()
            return start_response(status, headers, *more)

        # With a database that is away, no event waits for a thread that waits for the database.
        is_away = registry_cache.CACHE.listener.is_away()
        return self._answered(environ, begin, 0.0 if is_away else _WEBHOOK_S)

    def refused(self, job: Job, status: int) -> None:
        """Count and log a request that reached no view."""
        route = self._route_of(job.path)
        name = route[1:] if route in _LANES and route != "/" else "other"
        method = job.head.request.method
        method = method if method in ("GET", "POST") else "other"
        counters.note_overload_refusal(name, method, status)
        log.warning("request_refused", route=name, code=status, ip=job.connection.address[0])
        if route == "/webhook":
            gaps.note()


def _route(path: str) -> str:
    """The path without base path, keys, query and the last slash; `/` for nothing."""
    path = addresses.without_base_path(path).partition("?")[0]
    return path[_KEYS.match(path).end() :].rstrip("/") or "/"  # type: ignore[union-attr]

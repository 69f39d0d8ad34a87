"""The encoder process: answers requests for vectors of texts until none has come for a while.

It is started by the first request, and the next one after it has ended starts another.
"""

import faulthandler
import socket
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import numpy as np
import structlog

from mlapi import free_memory
from mlapi.domain import TrainingFailed
from mlapi.texts.encoder_process import messages
from mlapi.texts.refs import EncoderRef
from mlapi.texts.vectors import vectors_of

log = structlog.get_logger(__name__)

IDLE_S = 600.0
HANGS_AFTER_S = 300.0  # of at most 16 texts; the first ones wait for the model
MOST_THREADS = 4  # each takes memory while it computes
_GIVE_BACK_AFTER_S = 1.0


def run(
    receiver: socket.socket,
    threads: int,
    idle_s: float = IDLE_S,
    hangs_after_s: float = HANGS_AFTER_S,
) -> None:
    """Serve until no call has come for `idle_s` and none is open.

    Where texts are not encoded within `hangs_after_s`, this process exits with an error, and what
    its threads were doing is in the log: one that loops goes on taking calls.
    """
    waiting, connections, deadlines = Waiting(), _Connections(), _Deadlines(hangs_after_s)
    for number in range(max(1, min(threads, MOST_THREADS))):
        threading.Thread(
            target=_work, args=(waiting, deadlines), name=f"encoder{number}", daemon=True
        ).start()
    receiver.settimeout(idle_s)
    while True:
        try:
            _, descriptors, _, _ = socket.recv_fds(receiver, 1, 1)
        except TimeoutError:
            if not connections.open:
                return
            continue
        for descriptor in descriptors:
            connections.start(socket.socket(fileno=descriptor), waiting)


@dataclass(eq=False)
class Request:
    """Texts to encode, and their vectors when they are."""

    ref: EncoderRef
    texts: list[str]
    vectors: "Future[np.ndarray]" = field(default_factory=Future)


class Waiting:
    """The requests that wait, in order. What waits for one encoder is encoded together."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._requests: deque[Request] = deque()

    def add(self, request: Request) -> None:
        with self._changed:
            self._requests.append(request)
            self._changed.notify()

    def take(self, seconds: float | None = None) -> list[Request]:
        """The next requests, of as many texts as one may have; none if none comes in time."""
        with self._changed:
            if not self._changed.wait_for(lambda: bool(self._requests), seconds):
                return []
            taken = [self._requests.popleft()]
            size = len(taken[0].texts)
            while self._requests and self._requests[0].ref == taken[0].ref:
                size += len(self._requests[0].texts)
                if size > messages.TEXTS_AT_ONCE:
                    break
                taken.append(self._requests.popleft())
            return taken


class _Connections:
    """Each has a thread: as many as there are threads that call."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.open = 0

    def start(self, connection: socket.socket, waiting: Waiting) -> None:
        with self._lock:
            self.open += 1
        threading.Thread(target=self._serve, args=(connection, waiting), daemon=True).start()

    def _serve(self, connection: socket.socket, waiting: Waiting) -> None:
        try:
            # Its end is how the caller says that it needs no more, or that it has given up.
            with connection, suppress(ConnectionError):
                while True:
                    _answer(connection, waiting)
        finally:
            with self._lock:
                self.open -= 1


def _answer(connection: socket.socket, waiting: Waiting) -> None:
    """Of a request that fails for a reason without a code the caller knows by its end."""
    request = Request(*messages.receive_request(connection))
    waiting.add(request)
    failure = request.vectors.exception()
    if failure is None:
        messages.send_vectors(connection, request.vectors.result())
    elif isinstance(failure, TrainingFailed):
        messages.send_failure(connection, failure)
    else:
        raise messages.Closed from failure


class _Deadlines:
    """Those of what the threads encode at this moment. At the first one the process exits.

    By faulthandler's own thread, which ends it also while a library loops and keeps the
    interpreter.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._ends: list[float] = []

    @contextmanager
    def one(self) -> Iterator[None]:
        """That of what is done within."""
        end = time.monotonic() + self._seconds
        with self._lock:
            self._ends.append(end)
            self._set()
        try:
            yield
        finally:
            with self._lock:
                self._ends.remove(end)
                self._set()

    def _set(self) -> None:
        if not self._ends:
            faulthandler.cancel_dump_traceback_later()
            return
        left = max(min(self._ends) - time.monotonic(), 0.001)
        faulthandler.dump_traceback_later(left, exit=True)


def _work(waiting: Waiting, deadlines: _Deadlines) -> None:
    """In a thread: encode what waits. What takes memory is given back when nothing does."""
    seconds = None
    while True:
        requests = waiting.take(seconds)
        if requests:
            with deadlines.one():
                _encode(requests)
        else:
            free_memory.give_back()
        seconds = _GIVE_BACK_AFTER_S if requests else None


def _encode(requests: Sequence[Request]) -> None:
    texts = [text for request in requests for text in request.texts]
    try:
        vectors = vectors_of(requests[0].ref, texts)
    except Exception as error:  # each request has its answer, and this thread goes on
        log.exception("not_encoded", encoder=requests[0].ref.encoder_name, texts=len(texts))
        for request in requests:
            request.vectors.set_exception(error)
        return
    start = 0
    for request in requests:
        request.vectors.set_result(vectors[start : start + len(request.texts)])
        start += len(request.texts)

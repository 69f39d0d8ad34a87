"""Lanes: threads that work on requests of one kind, so that no other kind waits for them."""

import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic

from evals_backend.web.connection import Connection
from evals_backend.web.messages import Head


class Job:
    """A complete request that waits for a thread; whoever takes it from its lane answers it."""

    __slots__ = ("arrived", "body", "connection", "head", "path")

    def __init__(self, connection: Connection, head: Head, body: bytes) -> None:
        self.connection, self.head, self.body = connection, head, body
        self.path: str = head.request.path or ""
        self.arrived = monotonic()


@dataclass(frozen=True)
class Limits:
    """A lane's number of threads, and the number and longest wait of its queued requests."""

    threads: int
    waiting: int
    wait_s: float


class Lane:
    """Threads that call `work` with each job, in the order of arrival.

    The thread that was idle last is woken first: what it used is still in the processor's caches.
    """

    def __init__(self, name: str, limits: Limits, work: Callable[[Job], None]) -> None:
        self.name = name
        self.limits = limits
        self._work = work
        # Taking from either is atomic. Each idle thread waits to acquire its own lock.
        self._waiting: deque[Job] = deque()
        self._idle: list[threading.Lock] = []
        self._threads: list[threading.Thread] = []

    # Called by the front's thread only

    def submit(self, job: Job) -> bool:
        """Queue the job; False where too many wait already."""
        if len(self._waiting) >= self.limits.waiting:
            return False
        self._waiting.append(job)
        if not self._wake() and len(self._threads) < self.limits.threads:
            self._start_thread()
        return True

    def take_expired(self) -> list[Job]:
        """The jobs that have waited for too long, which the caller is to answer."""
        found, before = [], monotonic() - self.limits.wait_s
        with suppress(IndexError):  # none waits, or a thread was first
            while self._waiting[0].arrived < before:
                job = self._waiting.popleft()
                if job.arrived < before:
                    found.append(job)
                else:  # a thread has taken the old one meanwhile
                    self._waiting.appendleft(job)
                    self._wake()  # the thread that looked before this was put back
        return found

    @property
    def is_idle(self) -> bool:
        """Whether nothing waits or is worked on."""
        return not self._waiting and len(self._idle) == len(self._threads)

    def _wake(self) -> bool:
        """Wake the thread that was idle last; False where none is."""
        try:
            self._idle.pop().release()
        except IndexError:
            return False
        return True

    def _start_thread(self) -> None:
        name = f"{self.name}-{len(self._threads) + 1}"
        thread = threading.Thread(target=self._run, name=name, daemon=True)
        thread.start()
        self._threads.append(thread)

    # Called by its threads

    def _run(self) -> None:
        lock = threading.Lock()
        lock.acquire()
        while True:
            try:
                job = self._waiting.popleft()
            except IndexError:
                self._wait(lock)
            else:
                self._work(job)
                del job  # it holds its request's body

    def _wait(self, lock: threading.Lock) -> None:
        """Return when the front has woken this thread, or has queued a job before it could."""
        self._idle.append(lock)
        if self._waiting:
            try:
                self._idle.remove(lock)
            except ValueError:
                pass  # the front has taken it, and releases it
            else:
                return
        lock.acquire()

"""Lanes: threads that work on requests of one kind, so that no other kind waits for them."""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from queue import SimpleQueue
from time import monotonic
from typing import Any

from evals_backend.web.connection import Connection
from evals_backend.web.messages import Head


class Job:
    """A complete request that waits for a thread; the thread that claims it answers it."""

    __slots__ = ("_unclaimed", "arrived", "body", "connection", "head", "path")

    def __init__(self, connection: Connection, head: Head, body: bytes) -> None:
        self.connection, self.head, self.body = connection, head, body
        self.path: str = head.request.path or ""
        self.arrived = monotonic()
        self._unclaimed = [True]

    def claim(self) -> bool:
        """Whether the caller is the first to claim it; `list.pop` is atomic."""
        try:
            return self._unclaimed.pop()
        except IndexError:
            return False

    @property
    def is_claimed(self) -> bool:
        """Whether someone answers it."""
        return not self._unclaimed


@dataclass(frozen=True)
class Limits:
    """A lane's number of threads, and the number and longest wait of its queued requests."""

    threads: int
    waiting: int
    wait_s: float


class Lane:
    """Threads that call `work` with each job, in the order of arrival."""

    def __init__(self, name: str, limits: Limits, work: Callable[[Job], None]) -> None:
        self.name = name
        self.limits = limits
        self._work = work
        self._queue: SimpleQueue[Job | None] = SimpleQueue()
        self._waiting: deque[Job] = deque()
        self._threads: list[threading.Thread] = []
        self._running: set[Job] = set()

    def submit(self, job: Job) -> bool:
        """Queue the job; False where too many wait already. Called by the front's thread only."""
        while self._waiting and self._waiting[0].is_claimed:
            self._waiting.popleft()
        if len(self._waiting) >= self.limits.waiting:
            return False
        self._waiting.append(job)
        self._queue.put(job)
        if len(self._threads) < self.limits.threads:
            self._start_thread()
        return True

    def expired(self) -> list[Job]:
        """The jobs that have waited for too long, claimed for the caller."""
        found, before = [], monotonic() - self.limits.wait_s
        while self._waiting and (self._waiting[0].is_claimed or self._waiting[0].arrived < before):
            job = self._waiting.popleft()
            if job.claim():
                found.append(job)
        return found

    @property
    def is_idle(self) -> bool:
        """Whether nothing waits or is worked on."""
        return not self._running and all(job.is_claimed for job in self._waiting)

    def _start_thread(self) -> None:
        name = f"{self.name}-{len(self._threads) + 1}"
        thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _run(self) -> None:
        while True:
            job: Any = self._queue.get()
            self._running.add(job)
            try:
                if job.claim():
                    self._work(job)
            finally:
                self._running.discard(job)

"""The front: one thread that accepts connections, reads whole requests and writes answers."""

import mmap
import os
import select
import socket
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from time import monotonic
from typing import Any, Protocol

import structlog

from evals_backend.stop_signals import StopSignals
from evals_backend.web import messages
from evals_backend.web.connection import Closed, Connection
from evals_backend.web.lanes import Job, Lane, Limits
from evals_backend.web.messages import Exchange, HeadCache, RequestRefused

log = structlog.get_logger(__name__)

_SWEEP_EVERY_S = 0.1
_DECLINE_S = 0.003
_ACCEPT_AT_ONCE = 8
_RESERVED_DESCRIPTORS = 128  # descriptors for files, pipes and the database
STOP_WITHIN_S = 5.0  # Label Studio repeats its requests, but for webhooks


class Site(Protocol):
    """What is served."""

    limits: Mapping[str, Limits]  # of each lane, by its name
    body_max: int

    def instant(self, raw: bytes, address: messages.Address) -> bytes | None:
        """The answer to a head that needs no thread, else None."""

    def lane(self, path: str) -> str:
        """The name of the lane of a path."""

    def application(self, environ: dict[str, Any], start_response: Callable) -> Iterable[bytes]:
        """The WSGI application."""

    def refused(self, job: Job, status: int) -> None:
        """Called for each whole request that is answered without the application."""


# One number for each process: a view of shared memory, which `int`s are put into.
Counts = Any


def shared_counts(processes: int) -> Counts:
    """One counter of connections for each process, in memory that forked processes share."""
    return memoryview(mmap.mmap(-1, 4 * processes)).cast("I")


class Share:
    """Each process's number of connections, in shared memory, so that they are spread evenly."""

    def __init__(self, counts: Counts, own: int) -> None:
        self._counts, self._own = counts, own
        self.set(0)

    def set(self, connections: int) -> None:
        """Publish the number of this process's connections."""
        self._counts[self._own] = connections

    def exceeds_another(self) -> bool:
        """Whether another process has fewer connections than this one."""
        return self._counts[self._own] > min(self._counts)


class Front:
    """Holds the connections, in one thread; only `_work` and what it calls run in others."""

    def __init__(
        self, listener: socket.socket, site: Site, share: Share, connections_max: int
    ) -> None:
        self._listener = listener
        self._address = listener.getsockname()
        self._site = site
        self._lanes = {name: Lane(name, its, self._work) for name, its in site.limits.items()}
        self._share = share
        self._connections_max = connections_max - _RESERVED_DESCRIPTORS
        self._connections: dict[int, Connection] = {}
        self._epoll = select.epoll()
        self._heads = HeadCache()
        self._returned: deque[Connection] = deque()
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._epoll.register(self._wake, select.EPOLLIN)
        self._listens = False
        self._declines_until = 0.0

    def run(self, signals: StopSignals) -> None:
        """Serve until a signal, then complete the requests that have been read."""
        self._epoll.register(signals.fileno(), select.EPOLLIN)
        self._listen(True)
        swept = monotonic()
        while not signals.count:
            swept = self._poll(signals, swept)
        self._listen(False)
        give_up = monotonic() + STOP_WITHIN_S
        while self._is_busy() and monotonic() < give_up and signals.count < 2:
            swept = self._poll(signals, swept)
        for connection in list(self._connections.values()):
            self._close(connection)

    def _is_busy(self) -> bool:
        if not all(lane.is_idle for lane in self._lanes.values()) or self._returned:
            return True
        return any(not c.is_idle and not c.lingers for c in self._connections.values())

    def _poll(self, signals: StopSignals, swept: float) -> float:
        """Wait for events and handle them; returns the time of the last check of deadlines."""
        declines = bool(self._declines_until)
        for descriptor, event in self._epoll.poll(_DECLINE_S if declines else _SWEEP_EVERY_S):
            connection = self._connections.get(descriptor)
            if connection is not None:
                self._handle_event(connection, event)
            elif descriptor == self._wake:
                self._resume_returned()
            elif descriptor == signals.fileno():
                signals.drain()
            else:
                self._accept()
        now = monotonic()
        if declines and now >= self._declines_until:
            self._declines_until = 0.0
            if not signals.count:
                self._listen(True)
                self._accept(even_if_unfair=True)
        if now - swept >= _SWEEP_EVERY_S:
            self._sweep(now)
            return now
        return swept

    # Connections

    def _listen(self, on: bool) -> None:
        if on != self._listens:
            self._listens = on
            if on:
                self._epoll.register(self._listener, select.EPOLLIN)
            else:
                self._epoll.unregister(self._listener)

    def _accept(self, *, even_if_unfair: bool = False) -> None:
        """Accept waiting connections, unless another process has fewer than this one.

        That process gets _DECLINE_S to accept them; then `even_if_unfair` takes one here.
        """
        for number in range(_ACCEPT_AT_ONCE):
            is_ours = even_if_unfair and number == 0
            if not is_ours and self._share.exceeds_another():
                self._declines_until = monotonic() + _DECLINE_S
                self._listen(False)
                return
            if len(self._connections) >= self._connections_max:
                self._make_room()
            try:
                client, address = self._listener.accept()
            except BlockingIOError:
                return
            except OSError as error:  # too many files, or the client has gone
                log.warning("not_accepted", error=str(error))
                return
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = Connection(client, address)
            self._connections[connection.descriptor] = connection
            self._epoll.register(connection.descriptor, select.EPOLLIN)
            self._share.set(len(self._connections))

    def _make_room(self) -> None:
        """Close the connection that has been idle for longest."""
        waiting = [c for c in self._connections.values() if not c.works]
        if waiting:
            self._close(min(waiting, key=lambda c: (not c.is_idle, c.deadline)))

    def _close(self, connection: Connection) -> None:
        if self._connections.pop(connection.descriptor, None) is None:
            return
        self._share.set(len(self._connections))
        connection.socket.close()  # with which epoll forgets it

    def _sweep(self, now: float) -> None:
        """Close connections, and refuse requests, that have passed their deadline."""
        for connection in [c for c in self._connections.values() if c.deadline < now]:
            if connection.works:
                continue
            if connection.is_idle or connection.out or connection.lingers:
                self._close(connection)
            else:
                with self._closing_on_error(connection):
                    self._refuse(connection, 408)
        for lane in self._lanes.values():
            for job in lane.take_expired():
                with self._closing_on_error(job.connection):
                    self._refuse_overloaded(job)
                    self._advance(job.connection)

    # Requests

    def _handle_event(self, connection: Connection, event: int) -> None:
        if connection.works:
            return  # the client has gone; the answer will find out
        with self._closing_on_error(connection):
            if connection.lingers:
                connection.discard()
            elif connection.out:
                if connection.flush():
                    self._resume(connection)
            elif event & (select.EPOLLIN | select.EPOLLHUP | select.EPOLLERR):
                connection.read()
                self._advance(connection)

    @contextmanager
    def _closing_on_error(self, connection: Connection) -> Iterator[None]:
        """Close the connection on any error: a defect costs one connection, never the front."""
        try:
            yield
        except Closed:
            self._close(connection)
        except Exception:
            log.exception("client_connection_failed")
            self._close(connection)

    def _advance(self, connection: Connection) -> None:
        """Answer the requests that are complete, or submit them to lanes. Raises Closed."""
        while not (connection.works or connection.out or connection.lingers):
            if connection.head is None and not self._take_head(connection):
                return
            head = connection.head
            if head is None:
                continue  # it was answered at once
            if head.is_chunked or head.length > self._site.body_max:
                # The view refuses it by its head; its body is not read.
                connection.keeps = False
                connection.drop(len(connection.buffer))
                self._submit(Job(connection, head, b""))
                return
            body = connection.take_body()
            if body is None:
                return
            connection.keeps = head.keeps_alive
            self._submit(Job(connection, head, body))

    def _take_head(self, connection: Connection) -> bool:
        """Parse the next head, or answer it at once; False where nothing more can be done now."""
        raw = connection.take_head()
        if raw is None:
            return False
        if answer := self._site.instant(raw, connection.address):
            connection.drop(len(raw))
            if not connection.send(answer):
                self._epoll.modify(connection.descriptor, select.EPOLLOUT)
                return False
            return True
        try:
            head = self._heads.parse(raw, connection.address)
        except RequestRefused as error:
            self._refuse(connection, error.status)
            return False
        connection.begin(head)
        if head.expects_continue and head.length <= self._site.body_max:
            connection.send_continue()
        return True

    def _submit(self, job: Job) -> None:
        connection = job.connection
        connection.works = True
        # Without EPOLLIN: what comes next stays with the client until this is answered.
        self._epoll.modify(connection.descriptor, select.EPOLLONESHOT)
        if not self._lanes[self._site.lane(job.path)].submit(job):
            self._refuse_overloaded(job)

    def _refuse_overloaded(self, job: Job) -> None:
        """Answer 503 to a job that no thread of its lane has. Raises Closed."""
        self._site.refused(job, 503)
        keeps = job.connection.keeps
        self._send_from_front(job.connection, messages.error(503, keeps_alive=keeps))

    def _refuse(self, connection: Connection, status: int) -> None:
        """Answer without a view, and close. Raises Closed."""
        connection.keeps = False
        self._send_from_front(connection, messages.error(status))

    # Answers

    def _work(self, job: Job) -> None:
        """Answer the job by the application; called by a thread of its lane."""
        connection, exchange = job.connection, None
        try:
            exchange = Exchange(job.head, connection.address, self._address, job.body)
            if not connection.keeps:
                exchange.force_close()
            answer = exchange.answer(self._site.application)
            connection.keeps = connection.keeps and exchange.keeps_alive
        except RequestRefused as error:
            answer, connection.keeps = messages.error(error.status), False
        except Exception:
            log.exception("request_failed")
            answer, connection.keeps = messages.error(500), False
        self._send_from_lane(connection, answer)
        if exchange is not None:
            try:
                exchange.close()
            except Exception:
                log.exception("request_not_completed")

    def _send_from_lane(self, connection: Connection, answer: bytes) -> None:
        """Send an answer; called by the thread of a lane, to which the connection belongs."""
        try:
            if connection.send(answer) and connection.keeps and not connection.buffer:
                connection.works = False
                self._epoll.modify(connection.descriptor, select.EPOLLIN)
                return
        except Closed:
            connection.is_lost = True
        self._returned.append(connection)
        os.eventfd_write(self._wake, 1)

    def _resume_returned(self) -> None:
        os.eventfd_read(self._wake)
        while self._returned:
            connection = self._returned.popleft()
            with self._closing_on_error(connection):
                self._resume(connection)

    def _send_from_front(self, connection: Connection, answer: bytes) -> None:
        """Send an answer from the front's own thread. Raises Closed."""
        connection.send(answer)
        connection.works = False
        self._wait_for_next(connection)

    def _resume(self, connection: Connection) -> None:
        """Go on after an answer, as far as it was sent. Raises Closed."""
        connection.works = False
        if connection.is_lost:
            raise Closed
        self._wait_for_next(connection)
        self._advance(connection)

    def _wait_for_next(self, connection: Connection) -> None:
        """Wait for room for the rest of the answer, the next request, or the end. Raises Closed."""
        self._epoll.modify(
            connection.descriptor, select.EPOLLOUT if connection.out else select.EPOLLIN
        )
        if not connection.out and not connection.keeps:
            connection.linger()

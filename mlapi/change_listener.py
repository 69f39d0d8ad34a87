"""Listens for the registry's changes, in a thread with a database connection of its own."""

import os
import select
import socket
import threading
from collections.abc import Callable
from time import monotonic
from typing import Protocol

import structlog
from django.db import Error, connection

from registry.changes import CHANNEL
from registry.postgresql import deadline

log = structlog.get_logger(__name__)
# Seconds. A cached value is at most LEASE_S behind, even where the connection is lost in silence.
PING_S = 0.2
LEASE_S = 0.7
RETRY_S = 0.5
SILENT_S = 5
# In which the database answers a ping or takes a connection; where the process keeps deadlines.
ANSWER_S = 2.0
APPLICATION_NAME = "evals-backend changes"


class ChangeListener:
    """Calls `on_change` with the subject of each change, and `on_connect` when some were missed.

    Both are called in its thread.
    """

    def __init__(self, on_change: Callable[[str], None], on_connect: Callable[[], None]) -> None:
        self._on_change = on_change
        self._on_connect = on_connect
        self._confirmed_at = float("-inf")
        self._is_away = False
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def is_current(self) -> bool:
        """Whether every change that was committed LEASE_S ago has been handed on."""
        return monotonic() - self._confirmed_at < LEASE_S

    def is_away(self) -> bool:
        """Whether the last attempt to connect failed; it is repeated every RETRY_S."""
        return self._is_away

    def start(self) -> None:
        """Start the thread; once in each process, after it was forked."""
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, name="change-listener", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread and its connection."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        is_lost = False
        while not self._stopping.is_set():
            try:
                self._listen()
            except Exception as error:  # noqa: BLE001 - without its thread each request would read
                if not is_lost:  # one line for each loss
                    log.warning("change_listener_lost", error=str(error).strip())
                is_lost = True
            else:
                is_lost = False
            finally:
                self._confirmed_at = float("-inf")
                connection.close()
            self._stopping.wait(RETRY_S)

    def _listen(self) -> None:
        """Hand on changes until the thread is stopped. Raises Error with the connection's loss."""
        self._connect()
        with connection.cursor() as cursor:
            self._on_connect()
            session = connection.connection
            fail_when_silent(session)
            notified = select.poll()  # `select` takes no descriptor above 1,023
            notified.register(session, select.POLLIN)
            while not self._stopping.is_set():
                begun = monotonic()
                with deadline.within(ANSWER_S):
                    cursor.execute("SELECT 1")  # its answer comes after all earlier notices
                while session.notifies:
                    self._on_change(session.notifies.pop(0).payload)
                self._confirmed_at = begun
                notified.poll(PING_S * 1000)

    def _connect(self) -> None:
        try:
            with deadline.within(ANSWER_S), connection.cursor() as cursor:
                cursor.execute("SET application_name = %s", [APPLICATION_NAME])
                cursor.execute(f"LISTEN {CHANNEL}")
        except Error:
            self._is_away = True
            raise
        self._is_away = False


class _HasFile(Protocol):
    def fileno(self) -> int: ...


def fail_when_silent(session: _HasFile) -> None:
    """Let a TCP connection that nobody acknowledges fail after SILENT_S, not after a quarter hour.

    Until then each request reads its rows; another connection ends that.
    """
    with socket.socket(fileno=os.dup(session.fileno())) as shared:
        if shared.family in (socket.AF_INET, socket.AF_INET6):
            shared.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, SILENT_S * 1000)

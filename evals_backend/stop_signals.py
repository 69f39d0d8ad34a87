"""Signals as plain facts: a handler that takes no lock, and a pipe that ends a wait.

A handler runs between any two instructions of the main thread, so it must not touch what that
thread may be inside of: the lock of a `threading.Event` is not re-entrant.
"""

import os
import select
import signal
from collections.abc import Iterator
from contextlib import contextmanager

STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopSignals:
    """The requests to stop this process, of which there is one in each; made in the main thread."""

    def __init__(self) -> None:
        self.count = 0
        self._raises = False
        self._reader, writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._descriptors = (self._reader, writer)
        # The kernel's side: it is written before any handler runs, also while C code runs.
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        # `nohup` ignores SIGHUP, so that what it starts outlives its terminal.
        is_ignored = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        self._stops = [n for n in STOPS if n != signal.SIGHUP or not is_ignored]
        for number in self._stops:
            signal.signal(number, self._note)
        signal.signal(signal.SIGCHLD, self._ignore)  # without a handler it would wake nothing

    def fileno(self) -> int:
        """A descriptor that is readable when a signal has come."""
        return self._reader

    def drain(self) -> None:
        """Forget which signals have come; `count` stays."""
        try:
            while os.read(self._reader, 4096):
                pass
        except BlockingIOError:
            pass

    def wait(self, seconds: float) -> None:
        """Sleep until a signal comes, a child process's end included."""
        select.select([self._reader], [], [], seconds)
        self.drain()

    @contextmanager
    def interrupting(self) -> Iterator[None]:
        """Within it a request to stop raises SystemExit; for what may end anywhere."""
        self._raises = True
        try:
            if self.count:
                raise SystemExit(0)
            yield
        finally:
            self._raises = False

    def leave(self) -> None:
        """In a fork: restore what was there before, and close this process's copy of the pipe."""
        signal.set_wakeup_fd(-1)
        for number in (*self._stops, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        for descriptor in self._descriptors:
            os.close(descriptor)

    def _note(self, _number: int, _frame: object) -> None:
        self.count += 1
        if self._raises:
            self._raises = False
            raise SystemExit(0)

    def _ignore(self, _number: int, _frame: object) -> None:
        pass

"""The worker of this process: its name, and whether a shutdown was requested."""

import os
import socket


class _Shutdown:
    """Whether this process was told to stop; a plain attribute, because a signal handler sets it.

    A training polls it; django-q itself would wait for the job's end, which may be half an hour
    away.
    """

    def __init__(self) -> None:
        self._is_set = False

    def set(self) -> None:
        """Request the shutdown."""
        self._is_set = True

    def clear(self) -> None:
        """Take the request back."""
        self._is_set = False

    def is_set(self) -> bool:
        """Whether it was requested."""
        return self._is_set


shutdown_requested = _Shutdown()


def worker_name() -> str:
    """`<host>:<process id>`, as a run's row names its worker."""
    return f"{socket.gethostname()}:{os.getpid()}"

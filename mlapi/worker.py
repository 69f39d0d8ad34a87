"""The worker of this process: its name, and whether a shutdown was requested."""

import os
import socket

import psutil


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
        """Withdraw the request."""
        self._is_set = False

    def is_set(self) -> bool:
        """Whether it was requested."""
        return self._is_set


shutdown_requested = _Shutdown()


def worker_name() -> str:
    """`<host>:<process id>`, as a run's row names its worker."""
    return f"{socket.gethostname()}:{os.getpid()}"


def is_gone(name: str) -> bool:
    """Whether the worker of that name ran on this machine, and its process has ended.

    Not known, and False, where the process id was given to another process since.
    """
    host, _, pid = name.rpartition(":")
    return host == socket.gethostname() and pid.isdecimal() and not psutil.pid_exists(int(pid))

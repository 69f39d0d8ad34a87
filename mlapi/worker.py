"""The worker of this process: its name, and whether a shutdown was requested."""

import multiprocessing
import os
import socket

# Made before django-q forks its processes, so that all of them share it. A training polls it;
# django-q itself would wait for the job's end, which may be half an hour away.
shutdown_requested = multiprocessing.get_context("fork").Event()


def worker_name() -> str:
    """`<host>:<process id>`, as a run's row names its worker."""
    return f"{socket.gethostname()}:{os.getpid()}"

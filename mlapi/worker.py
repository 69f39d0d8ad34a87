"""The worker that this process belongs to: its name, and whether it was told to stop."""

import multiprocessing
import os
import socket

# Made before django-q forks its processes, so that all of them share it. A training polls it;
# django-q itself would wait for the job's end, which may be half an hour away.
shutdown_requested = multiprocessing.get_context("fork").Event()


def worker_name() -> str:
    """This process, for the run's row and for people."""
    return f"{socket.gethostname()}:{os.getpid()}"

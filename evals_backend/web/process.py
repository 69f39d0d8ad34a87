"""One web process: what it starts after the fork, and its end."""

import resource
import socket
import sys
import threading
from time import sleep

import structlog
from django.db import Error, connection

from evals_backend.stop_signals import StopSignals
from evals_backend.web.front import Counts, Front, Share
from evals_backend.web.site import Site
from mlapi import gaps, registry_cache
from mlapi.jobs import maintenance
from mlapi.monitoring import counters
from registry.postgresql import deadline

log = structlog.get_logger(__name__)

# A thread that computes gives way to the front after these seconds; Python's default is 0.005.
_SWITCH_S = 0.001
_DESCRIPTORS = 16_384
_LOOK_EVERY_S = 1.0


def run(listener: socket.socket, counts: Counts, number: int, *, is_restart: bool) -> None:
    """Serve until a signal. `number` is this process's own place in `counts`."""
    signals = StopSignals()
    sys.setswitchinterval(_SWITCH_S)
    deadline.install()
    counters.reserve_space()
    from evals_backend.wsgi import application

    if is_restart:
        gaps.note()  # what was being sent to the one that ended is lost
    registry_cache.CACHE.listener.start()
    threading.Thread(target=_close_gaps, name="gaps", daemon=True).start()
    Front(listener, Site(application), Share(counts, number), _descriptors()).run(signals)


def _descriptors() -> int:
    """The number of files and connections that this process may have open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, _DESCRIPTORS)
    if soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        return most
    return soft


def _close_gaps() -> None:
    """In a thread: where events were refused, have what has changed read as soon as possible."""
    while True:
        sleep(_LOOK_EVERY_S)
        if not gaps.take():
            continue
        try:
            with deadline.within(_LOOK_EVERY_S):
                maintenance.read_changes("events were refused")
        except Error:
            gaps.note()  # the database is still away
        finally:
            connection.close()

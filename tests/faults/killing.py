"""Kills real processes from outside, as the kernel does when memory runs out."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil

SECONDS = 1_200  # that anything takes at most, on a busy machine


@contextmanager
def killed(module: str, times: int) -> Iterator[list[int]]:
    """Kill the first so many children of this process that run the module; yields their pids."""
    found: list[int] = []
    ended = threading.Event()

    def watch() -> None:
        while len(found) < times and not ended.wait(0.02):
            for child in psutil.Process().children(recursive=True):
                with suppress(psutil.Error, ProcessLookupError):
                    if child.pid not in found and module in child.cmdline():
                        os.kill(child.pid, signal.SIGKILL)
                        found.append(child.pid)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield found
    finally:
        ended.set()
        watcher.join()
    assert len(found) == times, f"{module} was killed {len(found)} times"

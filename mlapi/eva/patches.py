"""Patches of EvaDB: LOAD stays in this process, where EvaDB would fork one process per core.

From twice as many files as cores on, its LOAD of images makes a multiprocessing.Pool and never
closes it, so its processes last until the garbage collector finds it. And a process with threads
that forks may leave a child waiting for ever for a lock that nobody holds.
"""

from collections.abc import Callable, Iterable
from typing import Any

from evadb.executor import load_multimedia_executor


class InThisProcess:
    """A Pool that maps in this process, which is all that LOAD uses of one."""

    def __init__(self, processes: int) -> None:
        """`processes` is the number that EvaDB passes; none is started."""

    def map(self, function: Callable[[Any], Any], values: Iterable[Any]) -> list[Any]:
        return [function(value) for value in values]


def keep_in_this_process() -> None:
    """For good, not only while a LOAD runs: another thread may load at the same time."""
    load_multimedia_executor.Pool = InThisProcess

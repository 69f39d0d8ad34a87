"""Memory and processor time of process trees, from /proc."""

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

_IDLE_SHARE = 0.15  # of one core: to look for jobs takes a few hundredths, more on a slow machine
_LOOK_S = 0.5


def tree(pid: int) -> list[psutil.Process]:
    """The process and all of its descendants."""
    try:
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def pss_mb(processes: Iterable[psutil.Process]) -> float:
    """The proportional set size in MB (10^6): shared pages count once over all who share them."""
    return sum(_pss_kb(process.pid) for process in processes) * 1024 / 1e6


def _pss_kb(pid: int) -> int:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    return 0


def cpu_seconds(processes: Iterable[psutil.Process]) -> float:
    """Processor time that these processes and their ended children have used."""
    total = 0.0
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total


def settle(processes: Callable[[], Sequence[psutil.Process]], at_most_s: float = 120) -> bool:
    """Wait until the processes are idle, twice in a row; False if they never were."""
    give_up = time.monotonic() + at_most_s
    quiet = 0
    while time.monotonic() < give_up:
        before = {p.pid: cpu_seconds([p]) for p in processes()}
        time.sleep(_LOOK_S)
        used = sum(cpu_seconds([p]) - before.get(p.pid, 0.0) for p in processes())
        quiet = quiet + 1 if used < _IDLE_SHARE * _LOOK_S else 0
        if quiet == 2:
            return True
    return False


class PeakMemory:
    """Samples a tree's PSS in a thread while it is entered; `peak_mb` is the most it saw."""

    def __init__(self, processes: Callable[[], Sequence[psutil.Process]]) -> None:
        self.peak_mb = 0.0
        self._processes = processes
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> "PeakMemory":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._stop.wait(0.25):
            self.peak_mb = max(self.peak_mb, pss_mb(self._processes()))

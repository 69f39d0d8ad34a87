"""Runs a program in a process of its own, spawned or forked, within limits of time and memory."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from django.conf import settings

from mlapi.child_process import warm_process
from mlapi.child_process.forking import THREADS
from mlapi.child_process.processes import DISK_FULL_STATUS, signal_group
from mlapi.child_process.warm_process import Forked
from mlapi.operator_settings import TRAINING_CORES
from mlapi.run_folder.json_file import RunFileInvalid
from mlapi.run_folder.progress import ProgressReader
from mlapi.run_folder.result import read_error
from registry.errors import EvalsError

_POLL_S = 0.2
_TERM_GRACE_S = 0.5
_OUTPUT_TAIL = 4000
# Only these are passed on: the environment has the secrets of the database and Label Studio.
_PASSED_ON = (
    *("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "VIRTUAL_ENV"),
    *("HF_HOME", "HF_HUB_CACHE"),  # where its parent has put a model from the hub
)
# Settings that engines of boxes read, which a child has not.
_OF_ENGINES = ("ACCEPT_AGPL", "MODELS_DIR")
# By which a program ends itself; by any other it was ended from outside, as when memory runs out.
_FAULTS = frozenset({"SIGSEGV", "SIGBUS", "SIGILL", "SIGFPE", "SIGABRT", "SIGSYS", "SIGTRAP"})


class ChildError(EvalsError):
    """The program ended without its result."""


class ChildCrashed(ChildError):
    """It was killed by a signal, or ended without an error file."""

    code = "child_crashed"


class ChildKilled(ChildCrashed):
    """It was killed from outside: what it worked on may be as good as ever."""


class DiskFull(ChildError):
    """It had no space left to write to."""

    code = "disk_full"
    text = "No space is left on the disk of DATA_DIR."


class TimeLimit(ChildError):
    """It took longer than its limit."""

    code = "time_limit"


class MemoryLimit(ChildError):
    """It and its children took more memory than their limit."""

    code = "memory_limit"


class ChildFailed(ChildError):
    """It left an error file, whose code and hint this error has."""

    def __init__(self, code: str, message: str, hint: str) -> None:
        super().__init__(message, hint=hint)
        self.code = code


class FolderInvalid(ChildError, RunFileInvalid):
    """A file that its folder should have had was missing, or held something else."""


# What ends a program and says nothing of the artifact that it worked on.
NO_FAULT_OF_THE_ARTIFACT = (ChildKilled, DiskFull, FolderInvalid)


@dataclass(frozen=True)
class Limits:
    """Seconds of wall clock, and MB of resident memory over the whole process tree."""

    seconds: float
    memory_mb: float

    @classmethod
    def from_settings(cls, seconds: float | None = None) -> "Limits":
        """Those of a training; `seconds` where the program has a time limit of its own."""
        return cls(
            settings.TRAIN_TIME_LIMIT_S if seconds is None else seconds,
            settings.TRAIN_MEMORY_LIMIT_MB,
        )


@dataclass(frozen=True)
class Program:
    """A command, which the function `main` of `module` carries out with these arguments."""

    command: tuple[str, ...]
    module: str = ""
    arguments: tuple[str, ...] = ()


def program(module: str, *arguments: str) -> Program:
    """One of our modules, under this very interpreter."""
    return Program((sys.executable, "-m", module, *arguments), module, arguments)


def supervise(
    program: Program,
    folder: Path,
    limits: Limits,
    *,
    may_fork: bool = False,
    on_progress: Callable[[list[dict[str, Any]]], None] = lambda lines: None,
    checkpoint: Callable[[], None] = lambda: None,
) -> None:
    """Runs the program to its end; its processes are gone, whatever is raised.

    Where it `may_fork`, in a fork of this process's warm process, if there is one. `on_progress`
    gets the new lines of `folder/progress.jsonl`; `checkpoint` is called at each poll and raises to
    end the program. Raises ChildCrashed, ChildKilled, ChildFailed, FolderInvalid, DiskFull,
    TimeLimit, MemoryLimit, and what the two callables raise.
    """
    progress = ProgressReader(folder)
    started = time.monotonic()
    with _process(program, folder, may_fork=may_fork) as process:
        while True:
            ended = _wait(process, _POLL_S)
            if lines := progress.new():
                on_progress(lines)
            if ended:
                break
            checkpoint()
            if time.monotonic() - started > limits.seconds:
                raise TimeLimit(f"Ended after {limits.seconds:g} s, its time limit.")
            used = _resident_mb(process.pid) if process.pid else 0.0
            if used > limits.memory_mb:
                raise MemoryLimit(
                    f"Ended at {used:.0f} MB of memory; its limit is {limits.memory_mb:g} MB."
                )
    if process.returncode:
        raise _failure(process.returncode, folder)


def again_if_killed(action: Callable[[], None]) -> None:
    """Calls it, and once more if its program was killed from outside. Raises what it raises."""
    try:
        action()
    except ChildKilled:
        action()


def output_tail(folder: Path) -> str:
    """The end of the program's output."""
    try:
        return (folder / "output.txt").read_bytes()[-_OUTPUT_TAIL:].decode(errors="replace")
    except OSError:
        return ""


def child_environment() -> dict[str, str]:
    """The program's environment: paths and its share of the cores, no secrets."""
    return {
        **{name: os.environ[name] for name in _PASSED_ON if name in os.environ},
        **{f"{name}_NUM_THREADS": str(_threads()) for name in THREADS},
        TRAINING_CORES: str(_cores()),
        # Threads of OpenMP (torch's) that wait for each other give up their core. By default they
        # spin, and beside one busy process two of them took six times as long as one thread.
        "OMP_WAIT_POLICY": "passive",
        "PYTHONPATH": str(settings.BASE_DIR),
        "PYTHONUNBUFFERED": "1",
        "PYTHONHASHSEED": "0",
        **{name: str(getattr(settings, name)) for name in _OF_ENGINES},
        "HF_HUB_OFFLINE": "1",  # the parent has fetched what is to be fetched
    }


def start_warm_process(module: str, *, fork: bool = False) -> None:
    """Start this process's warm process, from which programs of the same limits are forked.

    With `fork` it is itself forked from this process, before that has threads and connections.
    """
    warm_process.start(module, child_environment(), settings.BASE_DIR, fork=fork)


def _threads() -> int:
    """Half of the cores stay with those who label."""
    return max(1, _cores() // 2)


def _cores() -> int:
    """One training's share of the cores."""
    return max(1, len(os.sched_getaffinity(0)) // max(1, settings.TRAIN_WORKERS))


class _Spawned(subprocess.Popen):
    """A program that leads its own process group."""

    def signal_group(self, number: signal.Signals) -> None:
        """Send the signal to all of its process group."""
        signal_group(self.pid, number)


@contextlib.contextmanager
def _process(program: Program, folder: Path, *, may_fork: bool) -> Iterator[_Spawned | Forked]:
    """The program in a group of its own, so that it and all its children can be ended at once.

    It has no descriptor of this process (`close_fds`), so none of our database connections.
    """
    warm = warm_process.running() if may_fork else None
    path = folder / "output.txt"
    process = (
        warm.fork(program.module, program.arguments, path, _threads())
        if warm
        else _spawned(program, path)
    )
    try:
        yield process
    finally:
        _end(process)


def _spawned(program: Program, path: Path) -> _Spawned:
    with open(path, "wb") as output:
        return _Spawned(
            program.command,
            cwd=settings.BASE_DIR,
            env=child_environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _end(process: _Spawned | Forked) -> None:
    """End the whole process group: by SIGTERM, and by SIGKILL what does not end then."""
    if process.poll() is None:
        process.signal_group(signal.SIGTERM)
        _wait(process, _TERM_GRACE_S)
    # Also where the program itself has ended: it may have left children behind.
    process.signal_group(signal.SIGKILL)
    process.wait()


def _wait(process: _Spawned | Forked, seconds: float) -> bool:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def _resident_mb(pid: int) -> float:
    """Resident memory of the process and all below it; those that just ended count nothing."""
    total = 0
    try:
        top = psutil.Process(pid)
        family = [top, *top.children(recursive=True)]
    except psutil.Error:
        return 0.0
    for member in family:
        try:
            total += member.memory_info().rss
        except psutil.Error:
            continue
    return total / 2**20


def _failure(returncode: int, folder: Path) -> ChildError:
    if returncode < 0:
        number = -returncode
        try:
            name = signal.Signals(number).name
        except ValueError:
            name = "unknown"
        kind = ChildCrashed if name in _FAULTS else ChildKilled
        return kind(f"The process was killed by signal {number} ({name}).")
    if returncode == DISK_FULL_STATUS:
        return DiskFull(DiskFull.text)
    try:
        error = read_error(folder)
        if error.code == RunFileInvalid.code:
            return FolderInvalid(error.message)
        return ChildFailed(error.code[:64], error.message, error.hint)
    except RunFileInvalid:
        return ChildCrashed(f"The process ended with status {returncode} and without a reason.")

"""This process's warm process: programs that may be forked from it start in milliseconds.

Starting an interpreter and importing EvaDB and scikit-learn takes 3 to 6 s. A worker starts its
warm process with itself (`start`); a process without one spawns its programs.
"""

import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import structlog

from mlapi.child_process.forking import THREADS, has_one_thread, receive, run_warm_process, send
from mlapi.child_process.processes import signal_group

log = structlog.get_logger(__name__)


class WarmProcess:
    """A process of `module`, whose `main` hands the socket that it is given to `forking.serve`.

    It is forked from this process where that has one thread, and shares its memory, or it is an
    interpreter of its own. It ends when this process does. One program at a time.
    """

    def __init__(
        self, module: str, environment: Mapping[str, str], folder: Path, *, fork: bool = False
    ) -> None:
        # More threads start with numeric libraries: only a program's fork has them.
        single = {**environment, **{f"{name}_NUM_THREADS": "1" for name in THREADS}}
        self._own, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with its:
            self._process = (
                _ForkedInterpreter(module, its, single, folder)
                if fork and has_one_thread()
                else _interpreter(module, its, single, folder)
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def fork(self, module: str, arguments: Sequence[str], output: Path, threads: int) -> "Forked":
        """The module's `main(arguments)` in a fork; what it prints goes to `output`."""
        order = {"module": module, "arguments": list(arguments), "output": str(output)}
        with suppress(OSError):  # it has just ended, as its reader notices
            send(self._own, {**order, "threads": threads})
        return Forked(self, self._own)

    def kill(self) -> None:
        """Kill it, and the program that it has forked."""
        self._process.kill()

    def end(self) -> None:
        """Kill it, and let nothing of it remain."""
        self.kill()
        self._process.wait()
        self._own.close()


def _interpreter(
    module: str, control: socket.socket, environment: Mapping[str, str], folder: Path
) -> subprocess.Popen:
    return subprocess.Popen(  # noqa: S603 - the command is ours
        [sys.executable, "-m", module, str(control.fileno())],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr.fileno(),
        pass_fds=[control.fileno()],
    )


class _ForkedInterpreter:
    """The module's `main` in a fork of this process, as `subprocess.Popen` has a process."""

    def __init__(
        self, module: str, control: socket.socket, environment: Mapping[str, str], folder: Path
    ) -> None:
        self._ended = False
        self.pid = os.fork()
        if not self.pid:
            run_warm_process(module, control, environment, folder)

    def poll(self) -> int | None:
        """0 once it has ended."""
        if not self._ended:
            self._ended = os.waitpid(self.pid, os.WNOHANG)[0] == self.pid
        return 0 if self._ended else None

    def kill(self) -> None:
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> int:
        if not self._ended:
            os.waitpid(self.pid, 0)
            self._ended = True
        return 0


class Forked:
    """A program in a fork, as `subprocess.Popen` has one."""

    def __init__(self, warm: WarmProcess, control: socket.socket) -> None:
        self._warm = warm
        self._control = control
        self.pid: int | None = None  # until it has been forked
        self.returncode: int | None = None

    def wait(self, timeout: float | None = None) -> int:
        """Its exit status. Raises subprocess.TimeoutExpired."""
        while self.returncode is None:
            readable, _, _ = select.select([self._control], [], [], timeout)
            if not readable:
                raise subprocess.TimeoutExpired("a fork", timeout or 0.0)
            message = receive(self._control)
            if message is None:  # the warm process has ended, and its fork with it
                if self.pid is not None:
                    signal_group(self.pid, signal.SIGKILL)
                self.returncode = -signal.SIGKILL
            elif "pid" in message:
                self.pid = message["pid"]
            else:
                self.returncode = message["status"]
        return self.returncode

    def poll(self) -> int | None:
        """Its exit status if it has ended."""
        try:
            return self.wait(0.0)
        except subprocess.TimeoutExpired:
            return None

    def signal_group(self, number: signal.Signals) -> None:
        """Send the signal to all of its process group."""
        if self.returncode is not None:
            return  # its group was killed when it had ended
        if self.pid is None:
            self._warm.kill()  # it imports yet, for seconds; it is started anew
            return
        with suppress(OSError):
            send(self._control, {"signal": int(number)})


class _Own:
    """What this process has started."""

    start: "tuple[str, Mapping[str, str], Path] | None" = None
    process: WarmProcess | None = None


def start(module: str, environment: Mapping[str, str], folder: Path, *, fork: bool = False) -> None:
    """Start this process's warm process, forked from it where it may be; on Linux only."""
    if sys.platform == "linux" and hasattr(os, "pidfd_open"):
        _Own.start = (module, environment, folder)
        _Own.process = WarmProcess(*_Own.start, fork=fork)


def running() -> WarmProcess | None:
    """This process's warm process; None without one, or if it has ended: then it starts anew."""
    if _Own.start is None or _Own.process is None or _Own.process.is_running:
        return _Own.process
    log.error("warm process ended; it is started anew")
    _Own.process.end()
    _Own.process = WarmProcess(*_Own.start)
    return None


def stop() -> None:
    """End this process's warm process."""
    if _Own.process is not None:
        _Own.process.end()
    _Own.start = _Own.process = None

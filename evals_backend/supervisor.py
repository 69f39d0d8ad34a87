"""The warm parent: forks processes from imported code, keeps them running, and ends them all."""

import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

import psutil
import structlog

from evals_backend.stop_signals import STOPS, StopSignals
from mlapi.child_process.processes import end_with_parent, set_name, signal_group

logger = structlog.get_logger(__name__)

_STOP_WITHIN_S = 8.0
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 30.0
_STEADY_AFTER_S = 60.0
_HANGS_AFTER_S = 10.0
_LOOK_EVERY_S = 0.2
_ASK_EVERY_S = 0.05
_TEND_EVERY_S = 3.0


class StartFailed(Exception):
    """A child failed before all were up."""


def always() -> bool:
    """Of a child that is wanted at all times."""
    return True


class Child:
    """A function in a process of its own, with its own process group.

    So Ctrl-C reaches only the supervisor. `target` gets how often it was started before. It is
    started whenever it does not run and `is_wanted`. It is killed and started again if for ten
    seconds it computes nothing while it `is_waited_for`: it was stopped, or hangs.
    """

    def __init__(
        self,
        name: str,
        target: Callable[[int], None],
        is_wanted: Callable[[], bool] = always,
        is_waited_for: Callable[[], bool] = lambda: False,
    ) -> None:
        self.name = name
        self.is_wanted = is_wanted
        self._is_waited_for = is_waited_for
        self._cpu_s: float | None = None
        self._idle_since = 0.0
        self._target = target
        self._pid: int | None = None
        self._code: int | None = None
        self._starts = 0
        self._started = 0.0
        self._pause_s = 0.0
        self._start_at = 0.0

    def start(self, signals: StopSignals) -> None:
        """Fork the process."""
        restarts, self._starts = self._starts, self._starts + 1
        self._pid = fork(self.name, lambda: self._target(restarts), signals)
        self._code = None
        self._started = time.monotonic()

    @property
    def has_failed(self) -> bool:
        """Whether the process has ended; without an error only if it is wanted at all times."""
        has_ended = self._pid is not None and not self.is_running
        return has_ended and (self._code != 0 or self.is_wanted is always)

    @property
    def is_running(self) -> bool:
        """Whether the process runs."""
        if self._pid is None or self._code is not None:
            return False
        pid, status = os.waitpid(self._pid, os.WNOHANG)
        if pid:
            self._code = os.waitstatus_to_exitcode(status)
        return self._code is None

    def revive(self, signals: StopSignals) -> None:
        """Restart the process if it has ended: at once, then each time after a longer pause.

        One that ended by itself, without an error, has done its share and is replaced, if wanted.
        """
        if self.is_running:
            if self._hangs():
                logger.error("process_hangs", process=self.name)
                self.kill()
            return
        now = time.monotonic()
        if self._pid is not None:
            self.kill()  # its child processes must not run beside those of the next one
            if self._code == 0 or now - self._started > _STEADY_AFTER_S:
                self._pause_s = 0.0
            self._start_at = now + self._pause_s
            if self._code != 0:
                logger.error(
                    "process_ended", process=self.name, code=self._code, again_in_s=self._pause_s
                )
                self._lengthen_pause()
            self._pid = None
        if now >= self._start_at and self.is_wanted():
            try:
                self.start(signals)
            except OSError as error:  # no memory, or too many processes: the others go on
                self._lengthen_pause()
                self._start_at = now + self._pause_s
                logger.error(
                    "process_not_started",
                    process=self.name,
                    error=str(error),
                    again_in_s=self._pause_s,
                )

    def _lengthen_pause(self) -> None:
        self._pause_s = min(max(_FIRST_PAUSE_S, 2 * self._pause_s), _LONGEST_PAUSE_S)

    def _hangs(self) -> bool:
        """Whether it has computed nothing for so long, at each look of which it was waited for."""
        now = time.monotonic()
        cpu_s = _cpu_s(self._pid) if self._pid and self._is_waited_for() else None
        if cpu_s is None or cpu_s != self._cpu_s:
            self._cpu_s, self._idle_since = cpu_s, now
        return now - self._idle_since > _HANGS_AFTER_S

    def terminate(self) -> None:
        """Send SIGTERM."""
        if self.is_running and self._pid is not None:
            os.kill(self._pid, signal.SIGTERM)

    def kill(self) -> None:
        """Kill the process and its group."""
        if self._pid is None:
            return
        signal_group(self._pid, signal.SIGKILL)
        while self.is_running:
            time.sleep(0.005)


def _cpu_s(pid: int) -> float | None:
    """The CPU time that the process has taken; None if it has ended."""
    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.NoSuchProcess:
        return None
    return times.user + times.system


def fork(name: str, target: Callable[[], None], signals: StopSignals) -> int:
    """Run `target` in a fork of this process, which has one thread; returns its process id."""
    sys.stdout.flush()
    sys.stderr.flush()
    # Until its handlers are its own, a fork would answer a signal in our place.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
    try:
        pid = os.fork()
        if pid == 0:
            _run(name, target, signals, before)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    if pid:
        with suppress(OSError):  # it does so as well; whoever comes first
            os.setpgid(pid, pid)
    return pid


def wait(pid: int) -> int:
    """The exit status of a fork, when it has ended."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _run(
    name: str, target: Callable[[], None], signals: StopSignals, mask: Sequence[int] | set
) -> None:
    """In the fork: become a process of its own, and end with `target`."""
    code = 1
    try:
        os.setpgid(0, 0)
        signals.leave()
        # If the supervisor is killed outright, the process gets SIGTERM.
        end_with_parent(signal.SIGTERM)
        set_name(f"evals-{name}")
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.dup2(2, 1)  # stdout is for people
        os.close(nothing)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        target()
        code = 0
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException:
        logger.exception("process_failed", process=name)
    finally:
        with suppress(Exception):
            sys.stderr.flush()
        os._exit(code)  # what the parent has to do at its exit is the parent's


class Supervisor:
    """Forks the children, calls back when they are up, and runs until a signal."""

    def __init__(
        self,
        children: list[Child],
        is_up: Callable[[], bool],
        signals: StopSignals,
        tend: Callable[[], None] = lambda: None,
    ) -> None:
        """`tend` is called every few seconds; it restarts what the children depend on."""
        self._children = children
        self._is_up = is_up
        self._signals = signals
        self._tend = tend
        self._tended = time.monotonic()

    def run(self, on_up: Callable[[], None]) -> None:
        """Block until stopped; call `on_up` once. Raises StartFailed."""
        try:
            for child in self._children:
                if child.is_wanted():
                    child.start(self._signals)
            if self._wait_until_up():
                on_up()
            while not self._signals.count:
                for child in self._children:
                    child.revive(self._signals)
                if time.monotonic() - self._tended > _TEND_EVERY_S:
                    self._tend()
                    self._tended = time.monotonic()
                self._signals.wait(_LOOK_EVERY_S)
        finally:
            self._end_all()

    def _wait_until_up(self) -> bool:
        while not self._signals.count:
            for child in self._children:
                if child.has_failed:
                    raise StartFailed(f"{child.name} ended at once; its last lines say why")
            if self._is_up():
                return True
            self._signals.wait(_ASK_EVERY_S)
        return False

    def _end_all(self) -> None:
        descendants = psutil.Process().children(recursive=True)
        for child in self._children:
            child.terminate()
        give_up = time.monotonic() + _STOP_WITHIN_S
        # A second signal hurries.
        while any(child.is_running for child in self._children) and self._signals.count < 2:
            if time.monotonic() > give_up:
                logger.warning("killed", processes=[c.name for c in self._children if c.is_running])
                break
            self._signals.wait(_ASK_EVERY_S)
        for child in self._children:
            child.kill()
        # A training leaves its process group; psutil recognizes a reused process id.
        for process in descendants:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(descendants, timeout=2)

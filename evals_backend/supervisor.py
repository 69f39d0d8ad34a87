"""Keeps child processes running, and ends them with every process that they started."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial

import psutil
import structlog

from mlapi.child_process.processes import end_with_parent, signal_group

logger = structlog.get_logger(__name__)

_STOP_WITHIN_S = 8.0
_LONGEST_PAUSE_S = 30.0
_STEADY_AFTER_S = 60.0
_LOOK_EVERY_S = 0.2
_TEND_EVERY_S = 3.0


class StartFailed(Exception):
    """A child ended before all were up."""


class Child:
    """A command in its own process group, so that Ctrl-C reaches only the supervisor."""

    def __init__(self, name: str, command: list[str], env: Mapping[str, str]) -> None:
        self.name = name
        self._command = command
        self._env = {**os.environ, **env}
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._pause_s = 0.5
        self._start_at = 0.0

    def start(self) -> None:
        """Start the command."""
        self._process = subprocess.Popen(  # noqa: S603
            self._command,
            env=self._env,
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr,  # stdout is for people
            process_group=0,
            # If the supervisor is killed outright, the child is told to end, too.
            preexec_fn=partial(end_with_parent, signal.SIGTERM),  # noqa: PLW1509 - we have one thread
        )
        self._started = time.monotonic()

    @property
    def is_running(self) -> bool:
        """Whether the command's own process runs."""
        return self._process is not None and self._process.poll() is None

    def revive(self) -> None:
        """Restart the command if it has ended, each time after a longer pause."""
        if self.is_running:
            return
        now = time.monotonic()
        if self._process is not None:
            self.kill()  # its child processes must not run beside those of the next one
            if now - self._started > _STEADY_AFTER_S:
                self._pause_s = 0.5
            self._start_at = now + self._pause_s
            code = self._process.returncode
            logger.error("process_ended", process=self.name, code=code, again_in_s=self._pause_s)
            self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S)
            self._process = None
        if now >= self._start_at:
            self.start()

    def terminate(self) -> None:
        """Send SIGTERM to the command, which passes it on to its own children."""
        if self.is_running and self._process is not None:
            self._process.terminate()

    def kill(self) -> None:
        """Kill the command and its process group."""
        if self._process is None:
            return
        signal_group(self._process.pid, signal.SIGKILL)
        self._process.wait()


class Supervisor:
    """Starts the children, calls back when they are up, and runs until a signal."""

    def __init__(
        self,
        children: list[Child],
        is_up: Callable[[], bool],
        tend: Callable[[], None] = lambda: None,
    ) -> None:
        """`tend` is called every few seconds; it restarts what the children depend on."""
        self._children = children
        self._is_up = is_up
        self._tend = tend
        self._tended = time.monotonic()
        self._stop = threading.Event()
        self._hurry = False
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)

    def run(self, on_up: Callable[[], None]) -> None:
        """Block until stopped; call `on_up` once. Raises StartFailed."""
        try:
            for child in self._children:
                child.start()
            if self._wait_until_up():
                on_up()
            while not self._stop.wait(_LOOK_EVERY_S):
                for child in self._children:
                    child.revive()
                if time.monotonic() - self._tended > _TEND_EVERY_S:
                    self._tend()
                    self._tended = time.monotonic()
        finally:
            self._end_all()

    def _wait_until_up(self) -> bool:
        while not self._stop.is_set():
            for child in self._children:
                if not child.is_running:
                    raise StartFailed(f"{child.name} ended at once; its last lines say why")
            if self._is_up():
                return True
            self._stop.wait(_LOOK_EVERY_S)
        return False

    def _on_signal(self, _number: int, _frame: object) -> None:
        self._hurry = self._stop.is_set()  # at the second signal
        self._stop.set()

    def _end_all(self) -> None:
        self._stop.set()
        descendants = psutil.Process().children(recursive=True)
        for child in self._children:
            child.terminate()
        give_up = time.monotonic() + _STOP_WITHIN_S
        while any(child.is_running for child in self._children) and not self._hurry:
            if time.monotonic() > give_up:
                logger.warning("killed", processes=[c.name for c in self._children if c.is_running])
                break
            time.sleep(0.05)
        for child in self._children:
            child.kill()
        # A training leaves its process group; psutil recognizes a reused process id.
        for process in descendants:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(descendants, timeout=2)

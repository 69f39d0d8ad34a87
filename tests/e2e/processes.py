"""Starting and stopping the servers that the end-to-end tests talk to."""

import contextlib
import os
import signal
import subprocess
from pathlib import Path


def start(command: list[str], env: dict[str, str], log: Path, cwd: Path) -> subprocess.Popen:
    """Start it in a process group of its own, with its output in `log`."""
    with open(log, "ab") as output:
        return subprocess.Popen(
            command,
            env=env,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def stop(process: subprocess.Popen, first: int = signal.SIGTERM, patience_s: float = 30) -> int:
    """Ask it to stop, wait, then kill what is left of its group; its exit status."""
    if process.poll() is None:
        process.send_signal(first)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(patience_s)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    return process.wait(10)


def tail(log: Path, lines: int = 30) -> str:
    """The end of a log, for a failure's message."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) if log.exists() else ""

"""The signals that stop a server."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
_WAITS = """
import os, time
from evals_backend.stop_signals import StopSignals
signals = StopSignals()
if not os.fork():
    signals.leave()
    while True: time.sleep(60)
print("waits", flush=True)
while not signals.count: signals.wait(60)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_each_of_three_signals_stops(number):
    with _waiting() as process:
        process.send_signal(number)
        assert process.wait(30) == 0


def test_a_server_started_by_nohup_outlives_its_terminal():
    with _waiting("nohup") as process:
        os.killpg(process.pid, signal.SIGHUP)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(1)
        fork = int(Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text())
        assert Path(f"/proc/{fork}").exists()
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


class _waiting:  # noqa: N801 - a context
    """A process of a group of its own that waits for a signal, and its fork."""

    def __init__(self, *before: str) -> None:
        self._process = subprocess.Popen(
            [*before, sys.executable, "-c", _WAITS],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def __enter__(self) -> subprocess.Popen:
        assert self._process.stdout.readline() == "waits\n"
        return self._process

    def __exit__(self, *error: object) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._process.stdout.close()

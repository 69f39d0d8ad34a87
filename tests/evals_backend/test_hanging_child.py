"""A child of the supervisor that is stopped while others wait for it is replaced."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil

from tests.evals_backend.running import ROOT
from tests.waiting import eventually

_PARENT = """
import os, sys, time
from functools import partial
from pathlib import Path
from evals_backend.stop_signals import StopSignals
from evals_backend.supervisor import Child, Supervisor
from mlapi.texts.encoder_process import messages

folder = Path(sys.argv[1])
calls, receiver = messages.calls()

def answer(_restarts):
    while receiver.recv(1):
        with open(folder / "answers", "a") as answers:
            print(os.getpid(), file=answers)

def call(_restarts):
    while True:
        if (folder / "call").exists():
            (folder / "call").unlink()
            calls.send(b".")
        time.sleep(0.02)

waits = partial(messages.call_waits, receiver)
children = [Child("answers", answer, waits, waits), Child("calls", call)]
Supervisor(children, lambda: True, StopSignals()).run(lambda: None)
"""


def test_a_process_that_is_stopped_is_replaced_once_somebody_waits_for_it(tmp_path):
    command = [sys.executable, "-c", _PARENT, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT) as parent:
        try:
            first = answered_by(tmp_path, call=1)
            assert answered_by(tmp_path, call=2) == first
            stopped = psutil.Process(first)
            stopped.suspend()  # it still takes a call that comes before it has stopped
            assert eventually(lambda: stopped.status() == psutil.STATUS_STOPPED)
            second = answered_by(tmp_path, call=3)
            assert second != first
            assert not psutil.pid_exists(first)
            assert answered_by(tmp_path, call=4) == second
        finally:
            os.kill(parent.pid, signal.SIGTERM)


def answered_by(folder: Path, *, call: int) -> int:
    """The process that answers the call of this number."""
    (folder / "call").touch()

    def answers() -> list[str]:
        with suppress(FileNotFoundError):
            return (folder / "answers").read_text().splitlines()
        return []

    assert eventually(lambda: len(answers()) == call)
    return int(answers()[-1])

"""A child of the supervisor that others wait for is replaced where it is stopped, or loops."""

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


_LOOPING = """
import re, signal, sys
from functools import partial
from pathlib import Path
import numpy as np
from evals_backend.stop_signals import StopSignals
from evals_backend.supervisor import Child, Supervisor
from mlapi.texts import vectors
from mlapi.texts.encoder_process import messages, process
from mlapi.texts.encoder_process.client import EncoderClient, EncoderUnavailable
from mlapi.texts.refs import EncoderRef

folder = Path(sys.argv[1])
calls, receiver = messages.calls()
ref = EncoderRef("/nowhere", "encoder:nowhere@0123456789ab/64")

def lengths(ref, texts):
    if "loops" in texts:
        re.match("(a|a)*b", "a" * 60)  # which keeps the interpreter for longer than anybody waits
    return [np.array([len(text)], np.float32) for text in texts]

def encode(_restarts):
    vectors.make_by(lengths)
    process.run(receiver, 2, hangs_after_s=2.0)

def call(_restarts):
    try:
        EncoderClient(calls).vectors(ref, ["loops"])
    except EncoderUnavailable:
        found = EncoderClient(calls).vectors(ref, ["a text"])
        (folder / "found").write_text(str(found[0][0]))
    signal.pause()

waits = partial(messages.call_waits, receiver)
children = [Child("encoder", encode, waits, waits), Child("calls", call)]
Supervisor(children, lambda: True, StopSignals()).run(lambda: None)
"""


def test_an_encoder_process_that_loops_and_goes_on_taking_calls_is_replaced(tmp_path):
    command = [sys.executable, "-c", _LOOPING, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as parent:
        try:
            assert eventually(lambda: (tmp_path / "found").exists(), 60)
        finally:
            os.kill(parent.pid, signal.SIGTERM)
            _, log = parent.communicate()
    assert float((tmp_path / "found").read_text()) == len("a text")
    assert "Timeout" in log and "in lengths" in log  # what it was doing

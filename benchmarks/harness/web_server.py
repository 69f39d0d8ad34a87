"""Starts a web server that a benchmark compares with, and waits until it answers."""

import os
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx

from benchmarks.harness.report import ROOT
from tests.e2e import processes

_INHERITED = ("PATH", "HOME", "TMPDIR")
_ANSWERS_WITHIN_S = 60


def serve(
    command: Sequence[str], port: int, env: Mapping[str, str], closing: ExitStack
) -> subprocess.Popen:
    """The process of a server that answers on the port of the loopback; it ends with `closing`.

    Raises SystemExit with the end of its log where it does not answer.
    """
    folder = Path(closing.enter_context(tempfile.TemporaryDirectory(prefix="bench-server-")))
    own = {"DATA_DIR": str(folder), "HOST": "127.0.0.1", "PORT": str(port)}
    inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    log = folder / "log"
    process = processes.start([*command], {**inherited, **own, **env}, log, ROOT)
    closing.callback(processes.stop, process)
    give_up = time.monotonic() + _ANSWERS_WITHIN_S
    while time.monotonic() < give_up:
        with suppress(httpx.HTTPError):
            httpx.get(f"http://127.0.0.1:{port}", timeout=5)
            return process
        time.sleep(0.05)
    raise SystemExit(f"No answer from {' '.join(command)}.\n{processes.tail(log)}")

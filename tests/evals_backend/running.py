"""Runs the real server, as `make run` does, in a folder and on a port of its own."""

import http.client
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from tests.environment import SETTINGS
from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
STOPPED_WITHIN_S = 120


def environment(data_dir: Path, **settings: str) -> dict[str, str]:
    """Our environment with these settings, and none of the tests' own."""
    inherited = {k: v for k, v in os.environ.items() if k.removesuffix("_FILE") not in SETTINGS}
    return {**inherited, "DATA_DIR": str(data_dir), **settings}


def processes_of(data_dir: Path) -> list[psutil.Process]:
    """Every live process that works in the folder, by its environment or its command."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                continue
            words = " ".join(process.cmdline())
            if process.environ().get("DATA_DIR") == str(data_dir) or str(data_dir) in words:
                found.append(process)
        except psutil.Error:
            continue
    return found


class Server:
    """`python -m evals_backend.serve` as a child process."""

    def __init__(self, data_dir: Path, port: int, **settings: str) -> None:
        self.data_dir = data_dir
        self.port = port
        self.log = data_dir.with_name(f"{data_dir.name}.log")
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "evals_backend.serve"],
                cwd=ROOT,
                env=environment(data_dir, PORT=str(port), **settings),
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )

    def three_lines(self) -> list[str]:
        """Block until the server says that it is up."""
        lines = [self.process.stdout.readline().rstrip("\n") for _ in range(3)]
        assert all(lines), self.log.read_text()[-4000:]
        return lines

    def get(self, path: str, **headers: str) -> http.client.HTTPResponse:
        """The answer to a GET, with its body read into `text`."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        response.text = response.read().decode()
        connection.close()
        return response

    def answers(self) -> bool:
        """Whether `/health` is answered now."""
        try:
            return self.get("/health").status == 200
        except OSError:
            return False

    def children(self, name: str) -> list[psutil.Process]:
        """The supervisor's own live children whose name begins with that."""
        found = []
        for child in psutil.Process(self.process.pid).children():
            with suppress(psutil.Error):  # one that has just ended
                if child.name().startswith(name) and child.status() != psutil.STATUS_ZOMBIE:
                    found.append(child)
        return found

    def stop(self, number: int) -> int:
        """Send the signal; the exit status."""
        self.process.send_signal(number)
        return self.process.wait(STOPPED_WITHIN_S)


@contextmanager
def running(data_dir: Path, **settings: str) -> Iterator[Server]:
    """A server that is up, `key` its first access key; stopped at the end."""
    server = Server(data_dir, free_port(), **settings)
    try:
        server.key = key_of(server.three_lines()[0])
        yield server
    finally:
        server.stop(signal.SIGTERM)


def key_of(line: str) -> str:
    """The access key in the first of the three lines."""
    return re.search(r"/k/([a-z2-7]{32})", line)[1]

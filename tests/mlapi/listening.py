"""A process whose cache listens, and a second process that changes what it has cached."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import connection

from mlapi import change_listener
from tests.postgres import database_url

ROOT = Path(__file__).resolve().parents[2]
_OTHER = """
import sys, django
django.setup()
from registry.actions import champion, keys, project_settings, projects, run_starts
from registry.models import AccessKey, ModelVersion, Project
print("ready", flush=True)
for line in sys.stdin:
    exec(line)
    print("done", flush=True)
"""


class OtherProcess:
    """A process on the tests' database that carries out lines of Python."""

    def __init__(self) -> None:
        settings = {
            "DJANGO_SETTINGS_MODULE": "evals_backend.settings",
            "DATABASE_URL": database_url(),
        }
        self._process = subprocess.Popen(
            [sys.executable, "-c", _OTHER],
            cwd=ROOT,
            env={**os.environ, **settings},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._expect("ready")

    def do(self, line: str) -> None:
        """Carry out the line; returns once it is done."""
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        self._expect("done")

    def end(self) -> None:
        """End the process."""
        self._process.stdin.close()
        self._process.wait(30)

    def _expect(self, word: str) -> None:
        line = self._process.stdout.readline().strip()
        assert line == word, line


def cut() -> int:
    """End the server's side of the listening connection, whose process that was."""
    backend = listening_backend()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [backend])
    return backend


@contextmanager
def silent() -> Iterator[None]:
    """The listening connection stays open, and nothing comes through it."""
    backend = listening_backend()
    os.kill(backend, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(backend, signal.SIGCONT)


def listening_backend() -> int | None:
    """The process of the server that serves the listening connection; None while there is none."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity"
            " WHERE application_name = %s AND datname = current_database()",
            [change_listener.APPLICATION_NAME],
        )
        found = [pid for (pid,) in cursor.fetchall()]
    return found[0] if found else None

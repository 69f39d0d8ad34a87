"""Workers that are killed before a step of their work: a statement, or a request to Label Studio.

`tests.faults.stepwise_child` has imported the code once and forks a worker for each order. So a
step costs no start of Python, and a whole run gives the list of its steps.
"""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from tests.evals_backend.running import ROOT, environment
from tests.postgres import database_url


@dataclass
class Work:
    """What a worker did: its steps, in order, and whether it was killed before the last."""

    steps: list[str]
    is_killed: bool


class Workers:
    """Forks workers of a cluster, each of which works off the queue and ends."""

    def __init__(self, process: subprocess.Popen) -> None:
        self._process = process

    def work(self, cluster: str, *, until: int | None = None, **settings_: Any) -> Work:
        """Carry out the waiting jobs; killed before the step of that number, from 0."""
        order = {"cluster": cluster, "until": until, "set": settings_}
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        assert answer["code"] in (0, -signal.SIGKILL), answer
        return Work(answer["steps"], answer["code"] != 0)


@contextmanager
def workers() -> Iterator[Workers]:
    """The process that forks workers on the tests' own database."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.faults.stepwise_child"],
        cwd=ROOT,
        env=environment(
            settings.DATA_DIR,
            DATABASE_URL=database_url(),
            SECRET_KEY=settings.SECRET_KEY,
            LOG_LEVEL="CRITICAL",
            DJANGO_SETTINGS_MODULE="evals_backend.settings",
        ),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield Workers(process)
        process.stdin.close()

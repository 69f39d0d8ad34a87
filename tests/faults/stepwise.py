"""Workers that are killed before a step of their work: a statement, or a request to Label Studio.

`tests.faults.stepwise_child` has imported the code once and forks a worker for each order. So a
step costs no start of Python, and a whole run gives the list of its steps.
"""

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.faults.processes import python


@dataclass
class Work:
    """A worker's steps, in order, and whether it was killed before the last."""

    steps: list[str]
    is_killed: bool


class Workers:
    """Forks workers of a cluster, each of which works off the queue and ends."""

    def __init__(self, process: subprocess.Popen) -> None:
        self._process = process

    def work(
        self, cluster: str, *, until: int | None = None, alone: bool = False, **settings_: Any
    ) -> Work:
        """Carry out the waiting jobs; killed before the step of that number, from 0.

        `alone`: end after the first of them.
        """
        return self._order(cluster=cluster, until=until, alone=alone, set=settings_)

    def call(self, function: list[Any], *, until: int | None = None, **settings_: Any) -> Work:
        """Call the function of that name with these arguments; killed as in `work`."""
        return self._order(call=function, until=until, set=settings_)

    def _order(self, **order: Any) -> Work:
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        assert answer["code"] in (0, -signal.SIGKILL), answer
        return Work(answer["steps"], answer["code"] != 0)


@contextmanager
def workers() -> Iterator[Workers]:
    """The process that forks workers on the tests' own database."""
    pipe = subprocess.PIPE
    with python(
        *("-m", "tests.faults.stepwise_child"),
        log_level="CRITICAL",
        stdin=pipe,
        stdout=pipe,
        text=True,
    ) as process:
        yield Workers(process)
        process.stdin.close()

"""Measures the limits beside a subject, round by round, and what the subject reaches of them."""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from benchmarks.harness import numbers, protocol, report, web_server, wrk
from benchmarks.harness.subjects import Own
from benchmarks.limits import OWN, SCIKIT_LEARN
from tests.ports import free_port

BARE = "wrk against a server that parses nothing, requests/s"
EMPTY = "empty WSGI application under the same server, requests/s"


class Limits:
    """A bare server, an empty application and one estimator per core, which run while entered.

    They are idle except in their own slices; but their libraries are the subject's, so memory is
    measured without them.
    """

    def __init__(self, own: Own, project: int, texts: Path, clients: int) -> None:
        self._own, self._texts, self._clients = own, texts, clients
        self._uid = protocol.uid(project)
        self._rates: dict[str, list[float]] = {}
        self._compared: dict[str, str] = {}
        self._vectorisers: list[str] = []
        self._closing = ExitStack()

    def __enter__(self) -> "Limits":
        self._bare = self._serve([sys.executable, "-m", "benchmarks.limits.bare_server"], {})
        self._empty = self._serve(
            [sys.executable, "-m", "benchmarks.limits.front_server"],
            {
                "DJANGO_SETTINGS_MODULE": "evals_backend.settings",
                "DATABASE_URL": "postgres:///unused",
            },
        )
        self._estimators = [self._estimator() for _ in range(os.cpu_count() or 1)]
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()

    def servers(self, seconds: float, compared: str) -> None:
        """A slice of the load generator alone, and one of the empty application."""
        for row, url in ((BARE, self._bare), (EMPTY, self._empty)):
            self._add(row, wrk.load(f"{url}/health", "GET", seconds, self._clients).rate)
        self._compared[EMPTY] = compared

    def estimators(self, batch: int, seconds: float, compared: str) -> None:
        """A slice of one estimator, and one of all at a time; then all with scikit-learn's part."""
        call = f"{batch} text{'s' * (batch > 1)} a call"
        cores = len(self._estimators)
        where = f"{cores} processes, one per core"
        rows = {(OWN, 1): f"bare estimator, {call}, 1 process, texts/s"}
        if cores > 1:
            rows[OWN, cores] = f"bare estimator, {call}, {where}, texts/s"
        if SCIKIT_LEARN in self._vectorisers:
            rows[SCIKIT_LEARN, cores] = (
                f"the same with scikit-learn's vectoriser, {call}, {where}, texts/s"
            )
        for (vectoriser, count), row in rows.items():
            some = self._estimators[:count]
            for process in some:
                process.stdin.write(f"{vectoriser} {batch} {seconds}\n")
                process.stdin.flush()
            self._add(row, sum(float(process.stdout.readline()) for process in some))
            self._compared[row] = compared

    def table(self, reached: Callable[[str], Sequence[float]]) -> str:
        """What `reached` says of the row that each limit is for, as a share of the limit."""
        rows = []
        for row, rates in self._rates.items():
            compared = self._compared.get(row)
            ratio = numbers.ratio_of_pairs(reached(compared), rates) if compared else None
            share = f"{ratio.median:.0%} ({ratio.least:.0%} to {ratio.most:.0%})" if ratio else ""
            rows.append([row, numbers.spread(rates), share])
        return report.table(["limit", "rate", f"{self._own.name} reaches"], rows)

    def _add(self, row: str, rate: float) -> None:
        self._rates.setdefault(row, []).append(rate)

    def _estimator(self) -> subprocess.Popen:
        process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.limits.estimator", self._uid, str(self._texts)],
            env=self._own.backend.environment(),
            cwd=report.ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._closing.callback(_end, process)
        self._vectorisers = process.stdout.readline().split()
        if OWN not in self._vectorisers:
            raise SystemExit("The bare estimator does not load; see above.")
        return process

    def _serve(self, command: Sequence[str], env: dict[str, str]) -> str:
        """The URL of a server that answers, which ends with us."""
        port = free_port()
        web_server.serve(command, port, env, self._closing)
        return f"http://127.0.0.1:{port}"


def _end(process: subprocess.Popen) -> None:
    """An estimator ends when nothing more can be asked of it."""
    process.stdin.close()
    process.wait(30)
    process.stdout.close()

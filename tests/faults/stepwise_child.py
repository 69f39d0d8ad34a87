"""Forks a worker for each order, a line of JSON, and answers with the steps that it has made.

Without the tests' own environment: its database and folder are those of the process that starts it.
"""

import json
import os
import re
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from pkgutil import resolve_name
from typing import Any

_WORDS = re.compile(r"^\s*(\w+).*?((?:registry|django)_\w+|pg_\w+|$)", re.DOTALL)


def main() -> None:
    import django

    from evals_backend import warm_parent

    warm_parent.limit_threads()
    django.setup()
    warm_parent.import_code(web=False)
    import_module("tests.faults.jobs")
    for line in sys.stdin:
        print(json.dumps(_forked(json.loads(line))), flush=True)


def _forked(order: dict[str, Any]) -> dict[str, Any]:
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        os.dup2(2, 1)
        try:
            _work(order, writer)
        finally:
            os._exit(1)
    os.close(writer)
    with open(reader) as lines:
        steps = lines.read().splitlines()
    return {"code": os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), "steps": steps}


def _work(order: dict[str, Any], writer: int) -> None:
    """Runs the queued jobs in the fork as the cluster's worker does, and ends the process."""
    from mlapi.jobs import cluster
    from mlapi.training import run
    from mlapi.worker import shutdown_requested
    from registry.queue_broker import NotifiedORM
    from tests.mlapi.training.projects import small_programs

    for name, value in order["set"].items():
        owner, _, attribute = name.rpartition(".")
        if isinstance(value, str):  # a function's name
            value = resolve_name(value)
        setattr(resolve_name(owner), attribute, value)
    run.Programs = small_programs
    cluster.start_warm_process = lambda *_, **__: None
    NotifiedORM._wait = lambda self: shutdown_requested.set()  # nothing waits any more
    _count(_step(order["until"], writer))
    if order.get("alone"):
        put = cluster._Results.put
        cluster._Results.put = lambda self, job: (put(self, job), shutdown_requested.set())
    if call := order.get("call"):
        resolve_name(call[0])(*call[1:])
        os._exit(0)
    with suppress(SystemExit):
        cluster.run(order["cluster"], leads=False)
    os._exit(0)


def _step(until: int | None, writer: int) -> Callable[[str], None]:
    """Called before each step of the main thread; kills the process before that of the number."""
    n = 0

    def step(name: str) -> None:
        nonlocal n
        if threading.current_thread() is not threading.main_thread():
            return
        if n == until:
            os.kill(os.getpid(), signal.SIGKILL)
        n += 1
        os.write(writer, f"{name}\n".encode())

    return step


def _count(step: Callable[[str], None]) -> None:
    from django.db import connection

    from mlapi.labelstudio.http import HttpClient

    def execute(run: Callable[..., Any], sql: str, *rest: Any) -> Any:
        step(" ".join(filter(None, _WORDS.match(sql).groups())))
        return run(sql, *rest)

    stream = HttpClient.stream

    def requested(self: HttpClient, method: str, path: str, **options: Any) -> Any:
        step(f"{method} {path}")
        return stream(self, method, path, **options)

    connection.execute_wrappers.append(execute)
    HttpClient.stream = requested


if __name__ == "__main__":
    main()

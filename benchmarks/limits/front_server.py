"""`python -m benchmarks.limits.front_server`: the empty application under the project's web server.

As many processes as WEB_WORKERS says, two by default, and eight threads in each.
"""

import os
import socket
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from benchmarks.limits import empty_wsgi
from evals_backend.stop_signals import StopSignals
from evals_backend.supervisor import Child, Supervisor
from evals_backend.web.front import Front, Share, shared_counts
from evals_backend.web.lanes import Job, Limits


class _Site:
    """Every request takes a thread."""

    body_max = 64 * 1024 * 1024
    limits = {"all": Limits(threads=8, waiting=1_024, wait_s=60.0)}

    def instant(self, raw: bytes, address: tuple[Any, ...]) -> bytes | None:
        return None

    def lane(self, path: str) -> str:
        return "all"

    def application(self, environ: dict[str, Any], start_response: Callable) -> Iterable[bytes]:
        return empty_wsgi.application(environ, start_response)

    def refused(self, job: Job, status: int) -> None:
        pass


def main() -> None:
    """Serve on PORT until a signal."""
    listener = socket.create_server(("127.0.0.1", int(os.environ["PORT"])), backlog=1_024)
    listener.setblocking(False)
    processes = int(os.environ.get("WEB_WORKERS", "2"))
    counts = shared_counts(processes)

    def serve(number: int, _restarts: int) -> None:
        Front(listener, _Site(), Share(counts, number), 4_000).run(StopSignals())

    children = [Child(f"web{n + 1}", partial(serve, n)) for n in range(processes)]
    Supervisor(children, lambda: True, StopSignals()).run(lambda: None)


if __name__ == "__main__":
    main()

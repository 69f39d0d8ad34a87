"""Compares web servers with the same empty application: `python -m benchmarks.servers`.

What is measured of each: requests a second by eight clients, how long one request takes while 200
clients have sent half of theirs, and memory. In turn, round by round. The servers that the project
does not install are looked for in the virtual environment that `--python` names.
"""

import argparse
import socket
import sys
import time
from contextlib import ExitStack, suppress

import httpx

from benchmarks.harness import numbers, processes, report, web_server, wrk
from tests.ports import free_port

APPLICATION = "benchmarks.limits.empty_wsgi:application"
THREADS = "8"
_HALF = (
    b"POST /health HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nhalf",
    b"GET /health HTTP/1.1\r\nHost: loc",
)
_WAIT_S = 2.0


def commands(python: str) -> dict[str, list[str]]:
    """The command of each server, two processes of eight threads where it has processes."""
    waitress = (
        "from waitress import serve; from benchmarks.limits.empty_wsgi import application;"
        f"import os; serve(application, port=int(os.environ['PORT']), threads={THREADS},"
        "connection_limit=1000)"
    )
    cheroot = (
        "from cheroot.wsgi import Server; from benchmarks.limits.empty_wsgi import application;"
        "import os, signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit());"
        f"Server(('127.0.0.1', int(os.environ['PORT'])), application, numthreads={THREADS}).start()"
    )
    granian = (
        "from granian import Granian; import os;"
        f"Granian('{APPLICATION}', port=int(os.environ['PORT']), interface='wsgi', workers=2,"
        f"blocking_threads={THREADS}, log_enabled=False).serve()"
    )
    gunicorn = ["-m", "gunicorn", "-k", "gthread", "-w", "2", "--threads", THREADS, APPLICATION]
    return {
        "this project's, 2 processes": [sys.executable, "-m", "benchmarks.limits.front_server"],
        "gunicorn gthread, 2 processes": [sys.executable, *gunicorn],
        "granian, 2 processes": [python, "-c", granian],
        "waitress, 1 process": [python, "-c", waitress],
        "cheroot, 1 process": [python, "-c", cheroot],
    }


class Server:
    """One of them, running."""

    def __init__(self, command: list[str], closing: ExitStack) -> None:
        self.port = free_port()
        env = {
            "PYTHONPATH": str(report.ROOT),
            "DATABASE_URL": "postgres:///unused",
            "DJANGO_SETTINGS_MODULE": "evals_backend.settings",
            "GUNICORN_CMD_ARGS": f"--bind 127.0.0.1:{self.port} --log-level warning",
        }
        self._process = web_server.serve(command, self.port, env, closing)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/health"

    def rate(self, seconds: float) -> float:
        """Requests a second by eight clients."""
        return wrk.load(self.url, "GET", seconds, 8).rate

    def beside_slow_clients_ms(self, count: int) -> float:
        """The slowest of ten requests while so many clients have sent half of theirs."""
        slow = []
        try:
            for n in range(count):
                slow.append(socket.create_connection(("127.0.0.1", self.port), timeout=_WAIT_S))
                slow[-1].sendall(_HALF[n % 2])
            time.sleep(0.3)
            return max(self._request_ms() for _ in range(10))
        except OSError:
            return _WAIT_S * 1000
        finally:
            for client in slow:
                client.close()

    def memory_mb(self) -> float:
        """PSS of all its processes."""
        return processes.pss_mb(processes.tree(self._process.pid))

    def _request_ms(self) -> float:
        began = time.perf_counter()
        with suppress(httpx.HTTPError):
            httpx.get(self.url, timeout=_WAIT_S)
        return 1000 * (time.perf_counter() - began)


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", default=sys.executable, help="with granian, waitress, cheroot")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--write", help="the section of docs/performance.md to write")
    arguments = parser.parse_args()
    rates: dict[str, list[float]] = {}
    waits: dict[str, list[float]] = {}
    memory: dict[str, list[float]] = {}
    with ExitStack() as closing:
        started = {
            name: Server(command, closing) for name, command in commands(arguments.python).items()
        }
        for _ in range(arguments.rounds):
            for name, server in started.items():
                rates.setdefault(name, []).append(server.rate(arguments.seconds))
        for name, server in started.items():
            waits.setdefault(name, []).append(server.beside_slow_clients_ms(200))
            memory.setdefault(name, []).append(server.memory_mb())
    rows = [
        [name, *(numbers.spread(found[name]) for found in (rates, waits, memory))]
        for name in started
    ]
    head = ["server", "requests/s", "slowest of 10 beside 200 half-sent, ms", "PSS MB"]
    report.publish(report.table(head, rows), arguments.write)


if __name__ == "__main__":
    main()

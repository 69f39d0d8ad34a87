"""What the quick routes answer, and how soon, while a backend has too much to do.

    python -m benchmarks.overload [--url own] [--vs peer] [--rounds 2] [--seconds 2]

Subjects as in `benchmarks.serving`. `/health` and `/webhook` are requested one by one: beside
nothing, beside more clients of `/predict` than a backend can answer, beside eight clients that send
their bodies byte by byte, and beside a training. Beside too many predictions, one more client asks
for one, and what it waits until it is refused is measured.
"""

import argparse
import socket
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import orjson

from benchmarks.harness import command_line, numbers, protocol, texts, wrk
from benchmarks.harness.comparison import Comparison
from benchmarks.harness.subjects import Subject, subject

PROJECT = 1
# Its annotations all have one label, so nothing trains while they are measured.
WEBHOOK_PROJECT = 2
SLOW_CLIENTS = 8
_TASKS = 100  # of a prediction
_TIMEOUT_S = 10
_PAUSE_S = 0.02
_BYTE_EVERY_S = 0.05

REFUSED = "`/predict` refused with 503 beside too many, p50 ms"
REFUSED_P99 = "`/predict` refused with 503 beside too many, p99 ms"
NO_RETRY_AFTER = "refused without `Retry-After`"
PREDICTED = "`/predict` beside too many, tasks/s"
ERRORS = "requests in error"


class Overload:
    """The measurement of two subjects that are started and have learned."""

    def __init__(self, subjects: Sequence[Subject], args: argparse.Namespace, file: Path) -> None:
        self.measured = Comparison(subjects)
        self._seconds, self._clients, self._file = args.seconds, args.clients, file
        self._errors: dict[Subject, int] = dict.fromkeys(subjects, 0)
        self._no_retry_after: dict[Subject, int] = dict.fromkeys(subjects, 0)
        self._next_id = 1
        self._seed = 100

    def round(self, s: Subject) -> None:
        """All situations of one subject."""
        for beside, situation in (
            ("nothing", _nothing),
            (f"{self._clients} clients of `/predict`", self._predictions),
            (f"{SLOW_CLIENTS} slow bodies", self._slow_bodies),
            ("a training", self._training),
        ):
            with situation(s):
                self._measure(s, beside, is_refused=situation == self._predictions)
            s.settle()

    def counts(self) -> None:
        """Add the rows of what went wrong."""
        for s, refusals in self._no_retry_after.items():
            self.measured.add(NO_RETRY_AFTER, s, refusals, has_ratio=False)
        for s, errors in self._errors.items():
            self.measured.add(ERRORS, s, errors, has_ratio=False)

    def _measure(self, s: Subject, beside: str, *, is_refused: bool) -> None:
        """Request in turn, for the seconds of a slice; the rows of each route."""
        taken: dict[str, list[float]] = defaultdict(list)
        refused: list[float] = []
        with httpx.Client(headers=s.headers, timeout=_TIMEOUT_S) as client:
            until = time.monotonic() + self._seconds
            while time.monotonic() < until:
                for route, request in (
                    ("/health", partial(client.get, f"{s.url}/health")),
                    ("/webhook", partial(client.post, f"{s.url}/webhook", json=self._event())),
                ):
                    took, response = _timed(request)
                    taken[route].append(took)
                    self._errors[s] += response is None or response.status_code >= 400
                if is_refused:
                    body = protocol.predict(PROJECT, ["one more text"])
                    took, response = _timed(partial(client.post, f"{s.url}/predict", json=body))
                    if response is not None and response.status_code == 503:
                        refused.append(took)
                        self._no_retry_after[s] += "retry-after" not in response.headers
                    else:
                        self._errors[s] += response is None or response.status_code >= 400
                time.sleep(_PAUSE_S)
        for route, times in taken.items():
            for name, value in _percentiles(times):
                self.measured.add(f"`{route}` beside {beside}, {name} ms", s, value)
        if refused:
            for row, (_, value) in zip((REFUSED, REFUSED_P99), _percentiles(refused), strict=True):
                self.measured.add(row, s, value)

    def _event(self) -> dict:
        self._next_id += 1
        number = self._next_id
        return protocol.annotation_created(
            WEBHOOK_PROJECT, number, f"text {number}", texts.LABELS[0]
        )

    @contextmanager
    def _predictions(self, s: Subject) -> Iterator[None]:
        """More clients of `/predict` than can be answered; those that are refused ask again."""

        def load() -> None:
            met = wrk.load(
                f"{s.url}/predict", "POST", self._seconds + 2, self._clients, self._file, s.headers
            )
            self.measured.add(PREDICTED, s, met.rate * _TASKS)

        client = threading.Thread(target=load)
        client.start()
        time.sleep(1)
        yield
        client.join()

    @contextmanager
    def _slow_bodies(self, s: Subject) -> Iterator[None]:
        """Clients that each send a body byte by byte."""
        is_over = threading.Event()
        clients = [
            threading.Thread(target=_send_slowly, args=(s, is_over)) for _ in range(SLOW_CLIENTS)
        ]
        for client in clients:
            client.start()
        time.sleep(0.5)
        yield
        is_over.set()
        for client in clients:
            client.join()

    @contextmanager
    def _training(self, s: Subject) -> Iterator[None]:
        """A training of texts that are new."""
        self._seed += 1
        s.train(PROJECT, list(texts.pairs(2_000, seed=self._seed)))
        yield


@contextmanager
def _nothing(_: Subject) -> Iterator[None]:
    yield


def _timed(request: Callable[[], httpx.Response]) -> tuple[float, httpx.Response | None]:
    """Milliseconds, and the answer if there is one."""
    began = time.perf_counter()
    response = None
    with suppress(httpx.HTTPError):
        response = request()
    return (time.perf_counter() - began) * 1000, response


def _percentiles(times: Sequence[float]) -> list[tuple[str, float]]:
    return [("p50", numbers.median(times)), ("p99", numbers.percentile(times, 0.99))]


def _send_slowly(s: Subject, is_over: threading.Event) -> None:
    """One request after the other, until it is over or the backend closes the connection."""
    parts = urlsplit(s.url)
    body = orjson.dumps(protocol.predict(PROJECT, ["slow"]))
    head = (
        f"POST {parts.path}/predict HTTP/1.1\r\nHost: {parts.netloc}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    while not is_over.is_set():
        with (
            suppress(OSError),
            socket.create_connection((parts.hostname, parts.port or 80), _TIMEOUT_S) as client,
        ):
            client.sendall(head.encode())
            for byte in body:
                if is_over.wait(_BYTE_EVERY_S):
                    return
                client.sendall(bytes([byte]))


def measure(args: argparse.Namespace) -> str:
    """The table."""
    wrk.require()
    own = partial(command_line.own, args)
    with ExitStack() as closing:
        folder = Path(closing.enter_context(tempfile.TemporaryDirectory(prefix="bench-bodies-")))
        some = texts.texts(5 * _TASKS, seed=1)
        bodies = [protocol.predict(PROJECT, some[i::5]) for i in range(5)]
        file = folder / "many"
        file.write_bytes(b"\n".join(map(orjson.dumps, bodies)) + b"\n")
        subjects = [subject(name, own) for name in (args.url, args.vs)]
        for s in subjects:
            s.require()
        for s in subjects:
            closing.callback(s.close)
            s.start()
            s.learn(PROJECT, list(texts.pairs(args.texts)))
            s.post("/setup", protocol.setup(WEBHOOK_PROJECT))
        overload = Overload(subjects, args, file)
        for number in range(args.rounds):
            print(f"round {number + 1} of {args.rounds}", file=sys.stderr, flush=True)
            for s in subjects if number % 2 == 0 else subjects[::-1]:
                overload.round(s)
        overload.counts()
        return overload.measured.table()


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table, and write it into the page if asked."""
    parser = command_line.Parser(__doc__)
    parser.add_subjects()
    parser.add_argument("--texts", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=2, help="of a slice")
    parser.add_argument("--clients", type=int, default=96, help="of `/predict`, of 100 tasks each")
    parser.add_environment()
    return parser.publish(measure, arguments)


if __name__ == "__main__":
    sys.exit(main())

"""Two backends on the same work, in turn: rates, latencies, memory and start, with their ratios.

    python -m benchmarks.serving [--url own] [--vs peer] [--texts 400] [--rounds 3] [--seconds 2]

`own` starts this project on a data folder of its own, `peer` label-studio-ml 1.0.9 from
`.bench/peer`; anything else is the URL of a backend that runs already (with access key or
credentials, as it would be pasted into Label Studio). Both learn the same texts. What one round
measures of one it measures of the other right after; ratios are medians of these pairs.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import orjson

from benchmarks.harness import command_line, numbers, processes, protocol, texts, wrk
from benchmarks.harness.comparison import Comparison
from benchmarks.harness.sender import Sender
from benchmarks.harness.subjects import Own, Subject, subject
from benchmarks.limits.measure import Limits

CLIENTS = 8
PROJECT = 1
# Its annotations all have one label, so nothing trains while they are measured.
WEBHOOK_PROJECT = 2
_EVENT_PAUSE_S = 0.05
_MANY = 100

HEALTH = f"`/health`, {CLIENTS} clients, requests/s"
ONE = f"`/predict` 1 task, {CLIENTS} clients, tasks/s"
MANY = f"`/predict` {_MANY} tasks, {CLIENTS} clients, tasks/s"
ALONE = "`/predict` 1 task alone, p50 ms"
ALONE_P99 = "`/predict` 1 task alone, p99 ms"
SETUP = "`/setup` alone, p50 ms"
WEBHOOK = "`/webhook` (annotation), p50 ms"
WEBHOOK_P99 = "`/webhook` (annotation), p99 ms"
COMMIT = "one durable commit beside it, p50 ms"
COMMIT_P99 = "one durable commit beside it, p99 ms"
OVER = "`/webhook` over the commit, p50 ms"
IDLE = "memory when started, PSS MB"
TRAINED = "memory after training, PSS MB"
LOADED = "memory after load, PSS MB"
COUNT = "processes"
START = "start to healthy, s"
ERRORS = "requests in error"


class Bodies:
    """Files of prepared bodies, one a line, which the load generator sends in turn."""

    def __init__(self, folder: Path, count: int = 500) -> None:
        unseen = texts.texts(count, seed=1)
        self.texts = self._write(folder / "texts", [text.encode() for text in unseen])
        one = [protocol.predict(PROJECT, [text], i) for i, text in enumerate(unseen, 1)]
        self.one = self._write(folder / "one", map(orjson.dumps, one))
        hundreds = [unseen[i : i + _MANY] for i in range(0, count, _MANY)]
        many = [protocol.predict(PROJECT, some) for some in hundreds]
        self.many = self._write(folder / "many", map(orjson.dumps, many))
        self.setup = self._write(folder / "setup", [orjson.dumps(protocol.setup(PROJECT))])

    @staticmethod
    def _write(file: Path, lines: Iterable[bytes]) -> Path:
        file.write_bytes(b"\n".join(lines) + b"\n")
        return file


class Serving:
    """The measurement of two subjects that are started and have learned."""

    def __init__(self, subjects: Sequence[Subject], bodies: Bodies, seconds: float) -> None:
        self.subjects = subjects
        self.bodies = bodies
        self.seconds = seconds
        self.measured = Comparison(subjects)
        self._errors: dict[Subject, int] = dict.fromkeys(subjects, 0)
        self._next_id = 1

    def in_turn(self, number: int) -> Sequence[Subject]:
        """Both, the other one first in every other round."""
        return self.subjects if number % 2 == 0 else self.subjects[::-1]

    def round(self, number: int, events: int, beside: Mapping[str, Callable[[], None]]) -> None:
        """One slice of each kind for each; `beside` is called right after those of a row."""
        for row, method, path, file, tasks in (
            (HEALTH, "GET", "/health", None, 1),
            (ONE, "POST", "/predict", self.bodies.one, 1),
            (MANY, "POST", "/predict", self.bodies.many, _MANY),
        ):
            for s in self.in_turn(number):
                self._check(s)
                met = self._load(s, method, path, CLIENTS, file)
                self.measured.add(row, s, met.rate * tasks)
            beside.get(row, _nothing)()
        for s in self.in_turn(number):
            met = self._load(s, "POST", "/predict", 1, self.bodies.one)
            self.measured.add(ALONE, s, met.p50)
            self.measured.add(ALONE_P99, s, met.p99)
        for s in self.in_turn(number):
            met = self._load(s, "POST", "/setup", 1, self.bodies.setup)
            self.measured.add(SETUP, s, met.p50)
        for s in self.in_turn(number):
            self._webhooks(s, events)
            s.settle()

    def memory(self, row: str) -> None:
        """PSS of the subject and of each service that it stands on."""
        for s in filter(lambda s: s.is_local, self.subjects):
            self.measured.add(row, s, processes.pss_mb(s.processes()))
            self.measured.add(COUNT, s, len(s.processes()))
            for name, found in s.services().items():
                self.measured.add(f"{name}, {row}", s, processes.pss_mb(found))

    def memory_after(self, requests: int) -> None:
        """PSS after so many more predictions of one task, and its growth since half of them."""
        for s in filter(lambda s: s.is_local, self.subjects):
            found = []
            for part in (requests - requests // 2, requests // 2):
                left = part
                while left > 0:
                    met = self._load(s, "POST", "/predict", CLIENTS, self.bodies.one)
                    left -= max(1, met.requests)
                found.append(processes.pss_mb(s.processes()))
            row = f"memory after {requests:,} more `/predict`, PSS MB"
            self.measured.add(row, s, found[-1])
            growth = "of it since the first half of them, PSS MB"
            self.measured.add(growth, s, found[-1] - found[0], has_ratio=False)

    def starts(self, times: int) -> None:
        """Restart each, in turn."""
        for number in range(times):
            for s in filter(lambda s: s.is_local, self.in_turn(number)):
                self.measured.add(START, s, s.start_seconds())

    def errors(self) -> None:
        """Add the row of what went wrong."""
        for s in self.subjects:
            self.measured.add(ERRORS, s, self._errors[s], has_ratio=False)

    def _check(self, s: Subject) -> None:
        """An answer that is no prediction is an error, whatever its status."""
        if s.version(PROJECT, ["some text that nobody has seen", "another one"]) is None:
            self._errors[s] += 1

    def _load(
        self, s: Subject, method: str, path: str, clients: int, file: Path | None
    ) -> wrk.Slice:
        met = wrk.load(s.url + path, method, self.seconds, clients, file, s.headers)
        self._errors[s] += met.errors
        return met

    def _webhooks(self, s: Subject, events: int) -> None:
        """Annotations one after the other, each with a commit of as many bytes after it."""
        s.post("/setup", protocol.setup(WEBHOOK_PROJECT))
        answered, committed = [], []
        with _Commits(s) as commits, Sender(s.url, s.headers) as sender:
            for text in texts.texts(events, seed=self._next_id):
                event = protocol.annotation_created(
                    WEBHOOK_PROJECT, self._next_id, text, texts.LABELS[0]
                )
                self._next_id += 1
                body = orjson.dumps(event)
                began = time.perf_counter()
                status = sender.post("/webhook", body)
                answered.append((time.perf_counter() - began) * 1000)
                self._errors[s] += status >= 400
                committed += commits.once(body)
                time.sleep(_EVENT_PAUSE_S)
        self.measured.add(WEBHOOK, s, numbers.median(answered))
        self.measured.add(WEBHOOK_P99, s, numbers.percentile(answered, 0.99))
        if committed:
            self.measured.add(COMMIT, s, numbers.median(committed))
            self.measured.add(COMMIT_P99, s, numbers.percentile(committed, 0.99))
            self.measured.add(OVER, s, numbers.median(answered) - numbers.median(committed))


class _Commits:
    """Durable commits of one row on the subject's own PostgreSQL; nothing where it has none."""

    def __init__(self, s: Subject) -> None:
        self._connection = s.database()

    def __enter__(self) -> "_Commits":
        if self._connection:
            with self._connection, self._connection.cursor() as cursor:
                cursor.execute("CREATE TABLE IF NOT EXISTS benchmark_commit (body jsonb)")
        return self

    def __exit__(self, *_: object) -> None:
        if self._connection:
            self._connection.close()

    def once(self, body: bytes) -> list[float]:
        """Milliseconds of one INSERT with its COMMIT, in a list."""
        if not self._connection:
            return []
        began = time.perf_counter()
        with self._connection, self._connection.cursor() as cursor:
            cursor.execute("INSERT INTO benchmark_commit VALUES (%s)", [body.decode()])
        return [(time.perf_counter() - began) * 1000]


def measure(args: argparse.Namespace) -> str:
    """The report's tables."""
    wrk.require()
    own = partial(command_line.own, args)
    with ExitStack() as closing:
        folder = closing.enter_context(tempfile.TemporaryDirectory(prefix="bench-bodies-"))
        subjects = [subject(name, own) for name in (args.url, args.vs)]
        for s in subjects:
            s.require()
        bodies = Bodies(Path(folder))
        serving = Serving(subjects, bodies, args.seconds)
        labelled = list(texts.pairs(args.texts))
        for s in subjects:
            closing.callback(s.close)
            s.start()
            s.settle()
        serving.memory(IDLE)
        for s in subjects:
            _say(f"{s.name}: learning {args.texts} texts")
            s.learn(PROJECT, labelled)
        serving.memory(TRAINED)
        started = next((s for s in subjects if isinstance(s, Own)), None)
        bounds = _rounds(serving, args, started, bodies)
        for s in subjects:
            s.settle()
        serving.memory(LOADED)
        if args.requests:
            _say(f"{args.requests:,} more predictions")
            serving.memory_after(args.requests)
        _say("starts")
        serving.starts(args.starts)
        serving.errors()
        return f"{serving.measured.table()}\n{bounds}"


def _rounds(serving: Serving, args: argparse.Namespace, own: Own | None, bodies: Bodies) -> str:
    """Measure all rounds; the table of the limits, which need this project's own champion."""
    with ExitStack() as closing:
        limits, beside = None, {}
        if own is not None:
            limits = closing.enter_context(Limits(own, PROJECT, bodies.texts, CLIENTS))
            beside = {
                HEALTH: partial(limits.servers, args.seconds, compared=HEALTH),
                ONE: partial(limits.estimators, 1, args.seconds, compared=ONE),
                MANY: partial(limits.estimators, _MANY, args.seconds, compared=MANY),
            }
        for number in range(args.rounds):
            _say(f"round {number + 1} of {args.rounds}")
            serving.round(number, args.events, beside)
        if limits is None:
            return ""
        return limits.table(lambda row: serving.measured.values(row, own))


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables, and write them into the page if asked."""
    parser = command_line.Parser(__doc__)
    parser.add_subjects()
    parser.add_argument("--texts", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2, help="of a slice")
    parser.add_argument("--events", type=int, default=20, help="webhooks of a slice")
    parser.add_argument("--requests", type=int, default=2_000, help="before the last memory row")
    parser.add_argument("--starts", type=int, default=2)
    parser.add_environment()
    return parser.publish(measure, arguments)


def _nothing() -> None:
    pass


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())

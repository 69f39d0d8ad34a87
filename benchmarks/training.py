"""From Start Training, and from the annotation that crosses the threshold, to the new version.

    python -m benchmarks.training [--texts 400 2000] [--changes 20] [--repeats 1] [--vs peer]

Starts this project on a data folder of its own and fills the mirror of new projects by SQL, as if
Label Studio had been read already; what Label Studio's own export takes is not in it. The clock
runs until `/predict` answers with the new version. Phases are those that the run records itself.
Every version is promoted, so that every training has a first answer. Where the first version went
without sentence vectors, the run that makes them is waited for before the changes. The peer trains
on every annotation, on all texts, which it is given in a file.
"""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from benchmarks.harness import command_line, mirror, numbers, processes, protocol, report, texts
from benchmarks.harness.subjects import Own, Peer

START, ANNOTATION = "Start Training", "annotation"
TOTAL = "**to the first answer, s**"
ENCODED = "to the version with sentence vectors, s"
QUEUED = "until the run is queued, s"
WAKE_UP = "wake-up: queued to claimed, s"
ANSWER = "promoted to first answer, s"
REST = "between the phases, s"
STATEMENTS = "EvaDB statements, within the phases, s"
PREPARATION = "preparation: the phases before fitting, s"
FITTING = "fitting: all phases of it, s"
BEFORE = "memory before, PSS MB"
PEAK = "peak memory, PSS MB"

_POLL_S = 0.02
_AT_MOST_S = 3600


@dataclass(frozen=True)
class Training:
    """One training: seconds of its parts by row, in order, and its memory."""

    parts: dict[str, float]


class PeerTrainings:
    """Trains the peer, which is started."""

    def __init__(self, peer: Peer, size: int) -> None:
        self._peer = peer
        self._pairs = list(texts.pairs(size))
        peer.learn(1, self._pairs)

    def measure(self) -> Training:
        """From the webhook of an annotation until it answers with the new version."""
        peer, before = self._peer, self._peer.version(1, ["some text"])
        idle = processes.pss_mb(peer.processes())
        with processes.PeakMemory(peer.processes) as memory:
            began = time.time()
            peer.train(1, self._pairs)
            while peer.version(1, ["some text"]) in (None, before):
                if time.time() - began > _AT_MOST_S:
                    raise SystemExit(f"No new version of {peer.name} after {_AT_MOST_S} s.")
                peer.post("/setup", protocol.setup(1))  # with which it loads a new version
                time.sleep(_POLL_S)
            answered = time.time()
        peer.settle()
        return Training({TOTAL: answered - began, BEFORE: idle, PEAK: memory.peak_mb})


class Trainings:
    """Trains new projects of a server that is started."""

    def __init__(self, own: Own, changes: int) -> None:
        self._own = own
        self._changes = changes
        self._projects = 0

    def of_new_project(self, trigger: str, size: int) -> Iterator[tuple[str, Training]]:
        """The first training of a project with so many labelled texts, and one after changes."""
        self._projects += 1
        number, uid = self._projects, protocol.uid(self._projects)
        self._own.post("/setup", protocol.setup(number)).raise_for_status()
        unseen = list(texts.pairs(1 + self._changes, seed=number))
        with closing(self._own.database()) as database:
            row = mirror.project_id(database, uid)
            self._applied(uid)
            # Nothing trains by itself: not by the number of labels, and not by changed ones.
            mirror.configure(database, row, enabled=False)
            mirror.add_tasks(database, row, number, texts.pairs(size, seed=0))
            self._own.settle()
            events = [
                protocol.annotation_created(number, size + i, text, label)
                for i, (text, label) in enumerate(unseen, 1)
            ]
            policy = {"enabled": True, "first_labels": size + 1, "changed_share": 0}
            if trigger == ANNOTATION:
                mirror.configure(database, row, changed_min=self._changes, **policy)
                yield "first", self._measure(number, events[0])
                for event in events[1:-1]:
                    self._own.post("/webhook", event)
                yield f"after {self._changes} changes", self._measure(number, events[-1])
                return
            yield "first", self._measure(number, protocol.start_training(number))
            for event in events[1:]:
                self._own.post("/webhook", event)
            self._applied(uid)
            start = protocol.start_training(number)
            yield f"after {self._changes} changes", self._measure(number, start)

    def _measure(self, number: int, event: dict[str, Any]) -> Training:
        """Send the event, and wait for an answer of another version than the one that serves."""
        before = self._own.version(number, ["some text"])
        runs = len(self._own.backend.runs(protocol.uid(number)))
        idle = processes.pss_mb(self._own.processes())
        with processes.PeakMemory(self._own.processes) as memory:
            began = time.time()
            self._own.post("/webhook", event).raise_for_status()
            while self._own.version(number, ["some text"]) in (None, before):
                self._fail_with_the_run(number, began)
                time.sleep(_POLL_S)
            answered = time.time()
            run = self._run(number, runs)
            made = parts(run, began, answered)
            if run["dataset_counts"].get("texts", {}).get("left"):
                made[ENCODED] = self._run(number, runs + 1)["ended_at"].timestamp() - began
        self._own.settle()
        return Training({**made, BEFORE: idle, PEAK: memory.peak_mb})

    def _run(self, number: int, place: int) -> dict[str, Any]:
        """The training at this place of the project's, from 0, once it has ended."""
        uid = protocol.uid(number)

        def ended() -> dict[str, Any] | None:
            runs = self._own.backend.runs(uid)[place:]
            return runs[0] if runs and runs[0]["ended_at"] else None

        return self._own.backend.wait_for(ended, f"the end of run {place + 1} of {uid}", 3600)

    def _fail_with_the_run(self, number: int, began: float) -> None:
        runs = self._own.backend.runs(protocol.uid(number))
        if runs and runs[-1]["state"] in ("failed", "cancelled") and _at(runs[-1]) >= began:
            raise SystemExit(f"The run failed: {runs[-1]['error_code']} {runs[-1]['error']}")
        if time.time() - began > _AT_MOST_S:
            raise SystemExit(f"No new version after {_AT_MOST_S} s.")

    def _applied(self, uid: str) -> None:
        """Wait until no event of the project waits."""
        self._own.backend.wait_for(
            lambda: not [e for e in self._own.backend.events(uid) if e["status"] == "received"],
            "events to be applied",
            300,
        )


def parts(run: dict[str, Any], began: float, answered: float) -> dict[str, float]:
    """Seconds of a training's parts, from a run's row; the times are of one clock."""
    created, started, ended = (
        run[name].timestamp() for name in ("created_at", "started_at", "ended_at")
    )
    phases: dict[str, float] = {}
    fitting = preparation = 0.0
    is_prepared = False
    for phase in run["phases"]:
        is_fitting = phase["name"].startswith("fitting")
        is_prepared = is_prepared or is_fitting
        fitting += (phase["seconds"] or 0.0) if is_fitting else 0.0
        preparation += 0.0 if is_prepared else (phase["seconds"] or 0.0)
        row = f"phase: {phase['name']}, s"
        phases[row] = phases.get(row, 0.0) + (phase["seconds"] or 0.0)
    return {
        TOTAL: answered - began,
        QUEUED: created - began,
        WAKE_UP: started - created,
        **phases,
        REST: ended - started - sum(phases.values()),
        ANSWER: answered - ended,
        PREPARATION: preparation,
        FITTING: fitting,
        STATEMENTS: sum(s.get("seconds") or 0.0 for s in run["statements"]),
    }


def _at(run: dict[str, Any]) -> float:
    return run["created_at"].timestamp()


def table(found: dict[str, list[Training]]) -> str:
    """One column for each kind of training; rows as the trainings have them."""
    rows: dict[str, None] = {}
    for trainings in found.values():
        rows |= dict.fromkeys(row for training in trainings for row in training.parts)
    # The last ones last, whatever phases a later training has that the first had not.
    fixed = (REST, ANSWER, ENCODED, PREPARATION, FITTING, STATEMENTS, BEFORE, PEAK)
    last = [row for row in fixed if row in rows]
    ordered = [*(row for row in rows if row not in last), *last]
    cells = [
        [row, *(_cell([t.parts[row] for t in some if row in t.parts]) for some in found.values())]
        for row in ordered
    ]
    return report.table(["", *found], cells)


def _cell(values: Sequence[float]) -> str:
    return numbers.spread([0.0 if abs(value) < 0.005 else value for value in values])


def measure(args: argparse.Namespace) -> str:
    """A table for each number of texts."""
    if args.vs == "peer":
        Peer().require()
    content = ""
    for size in args.texts:
        own = command_line.own(args)
        with closing(own):
            own.start()
            trainings = Trainings(own, args.changes)
            found: dict[str, list[Training]] = {}
            for _ in range(args.repeats):
                for trigger in args.triggers:
                    for when, training in trainings.of_new_project(trigger, size):
                        took = numbers.text(training.parts[TOTAL])
                        print(f"{size} texts, {trigger}, {when}: {took} s", file=sys.stderr)
                        found.setdefault(f"{trigger}, {when}", []).append(training)
        if args.vs == "peer":
            found[Peer.name] = _of_peer(size, args.repeats)
        content += f"{size:,} labelled texts:\n\n{table(found)}\n"
    return content


def _of_peer(size: int, repeats: int) -> list[Training]:
    with closing(Peer()) as peer:
        peer.start()
        trainings = PeerTrainings(peer, size)
        return [trainings.measure() for _ in range(repeats)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables, and write them into the page if asked."""
    parser = command_line.Parser(__doc__)
    parser.add_argument("--texts", type=int, nargs="+", default=[400, 2_000])
    parser.add_argument("--changes", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=1, help="with new projects")
    parser.add_argument("--triggers", nargs="+", default=[START, ANNOTATION])
    parser.add_argument("--vs", default="peer", choices=["peer", "nothing"])
    parser.add_environment()
    return parser.publish(measure, arguments)


if __name__ == "__main__":
    sys.exit(main())

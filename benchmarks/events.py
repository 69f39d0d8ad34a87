"""Events a second that are applied to the mirror of one project.

    python -m benchmarks.events [--events 5000] [--waiting 20000] [--seconds 60]

Starts this project on a data folder of its own. The annotations are received events of one
project, written by SQL while nothing wakes their job; then one webhook wakes it. Measured until
they are applied or the seconds are over: alone, with as many waiting behind them, and with a
champion that is asked for its prediction of each before it is applied.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from contextlib import closing

from benchmarks.harness import command_line, mirror, numbers, processes, protocol, report, texts
from benchmarks.harness.subjects import Own

_POLL_S = 0.2


class Queue:
    """A new project of a started server, and its received events."""

    def __init__(self, own: Own, number: int) -> None:
        self._own, self._number, self._uid = own, number, protocol.uid(number)
        own.post("/setup", protocol.setup(number)).raise_for_status()
        own.settle()

    def learn(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Give the project a champion."""
        self._own.learn(self._number, pairs)

    def rate(self, events: int, waiting: int, seconds: float) -> tuple[float, int, float, float]:
        """Events a second, how many and in which time; and peak memory.

        So many `waiting` ones stand behind those that are measured.
        """
        first = 1_000_000 * self._number
        pairs = list(texts.pairs(events + waiting, seed=self._number))
        with closing(self._own.database()) as database:
            row = mirror.project_id(database, self._uid)
            mirror.configure(database, row, enabled=False)  # a training would take the cores
            unlabelled = [(text, None) for text, _ in pairs]
            mirror.add_tasks(database, row, self._number, unlabelled, first)
            mirror.add_annotations(database, row, self._number, first, pairs)
            with processes.PeakMemory(self._own.processes) as memory:
                began = time.monotonic()
                wake = protocol.annotation_created(self._number, first - 1, *pairs[0])
                self._own.post("/webhook", wake).raise_for_status()
                done = 0
                while done < events and time.monotonic() - began < seconds:
                    time.sleep(_POLL_S)
                    done = events + waiting - mirror.waiting(database, row)
                took = time.monotonic() - began
            mirror.forget_waiting(database, row)
        return done / took, done, took, memory.peak_mb


def measure(args: argparse.Namespace) -> str:
    """The table."""
    rows = []
    own = command_line.own(args)
    with closing(own):
        own.start()
        for number, (what, waiting, learns) in enumerate(
            (
                ("one project's events", 0, False),
                (f"with {args.waiting:,} more waiting behind them", args.waiting, False),
                ("with a champion that predicts each first", 0, True),
            ),
            1,
        ):
            queue = Queue(own, number)
            if learns:
                queue.learn(list(texts.pairs(400)))
            rate, done, took, memory = queue.rate(args.events, waiting, args.seconds)
            print(f"{what}: {numbers.text(rate)} a second", file=sys.stderr)
            rows.append(
                [what, numbers.text(rate), f"{done:,} in {took:.1f} s", numbers.text(memory)]
            )
            own.settle()
    return report.table(["", "events/s", "applied", "peak memory, PSS MB"], rows)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table, and write it into the page if asked."""
    parser = command_line.Parser(__doc__)
    parser.add_argument("--events", type=int, default=5_000)
    parser.add_argument("--waiting", type=int, default=20_000)
    parser.add_argument("--seconds", type=float, default=60, help="at most, for each row")
    parser.add_environment()
    return parser.publish(measure, arguments)


if __name__ == "__main__":
    sys.exit(main())

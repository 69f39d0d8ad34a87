"""The command line of a benchmark that starts backends and writes its tables into the page."""

import argparse
import sys
from collections.abc import Callable, Sequence

from benchmarks.harness import report, runs
from benchmarks.harness.subjects import Own
from mlapi.texts.encoders import loading
from mlapi.texts.encoders.model_files import MINILM

WITH, WITHOUT = "with", "without"


class Parser(argparse.ArgumentParser):
    """Describes the benchmark by its module's docstring, and adds the arguments that many take."""

    def __init__(self, description: str | None) -> None:
        super().__init__(
            description=description, formatter_class=argparse.RawDescriptionHelpFormatter
        )

    def add_subjects(self) -> None:
        """`--url` and `--vs`: the two backends that are compared."""
        for name, default in (("--url", "own"), ("--vs", "peer")):
            self.add_argument(name, default=default, help="own, peer or a URL")

    def add_environment(self) -> None:
        """`--env`: settings, and `--encoder`, of which the tables tell: for `own`."""
        self.add_argument("--env", action="append", default=[], metavar="NAME=VALUE", help="of own")
        self.add_argument(
            "--encoder",
            choices=(WITH, WITHOUT),
            default=WITHOUT if loading.unavailable(MINILM) else WITH,
            help="the sentence encoder, in own's projects (default: %(default)s, as it is here)",
        )

    def publish(
        self, measure: Callable[[argparse.Namespace], str], arguments: Sequence[str] | None
    ) -> int:
        """Print what is measured, and write it into the page if asked; the exit status."""
        self.add_argument("--write", metavar="SECTION", help="of docs/performance.md")
        self.add_argument("--runs", type=int, default=1, help="whole ones, into one table")
        args = self.parse_args(arguments)
        missing = loading.unavailable(MINILM)
        if args.encoder == WITH and missing is not None:
            self.error(f"{missing.message} {missing.hint}")
        found = []
        for number in range(1, args.runs + 1):
            if args.runs > 1:
                print(f"run {number} of {args.runs}", file=sys.stderr, flush=True)
            found.append(measure(args))
        report.publish(runs.merged(found) if found[1:] else found[0], args.write, _notes(args))
        return 0


def _notes(args: argparse.Namespace) -> list[str]:
    """What the tables' heading says of how they were measured."""
    notes = [f"{args.encoder} the sentence encoder"]
    if args.runs > 1:
        notes.append(f"each cell is the median of {args.runs} whole runs, with the extremes")
    return notes


def own(args: argparse.Namespace, **environment: str) -> Own:
    """This project, with settings of `--env` and `environment`, and the encoder by `--encoder`."""
    named = dict(pair.split("=", 1) for pair in args.env)
    return Own({**named, **environment}, encoder=args.encoder == WITH)

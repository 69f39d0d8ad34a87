"""The command line of a benchmark that starts backends and writes its tables into the page."""

import argparse
from collections.abc import Callable, Sequence

from benchmarks.harness import report


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
        """`--env`: this project's settings, for `environment`."""
        self.add_argument("--env", action="append", default=[], metavar="NAME=VALUE", help="of own")

    def publish(
        self, measure: Callable[[argparse.Namespace], str], arguments: Sequence[str] | None
    ) -> int:
        """Print what is measured, and write it into the page if asked; the exit status."""
        self.add_argument("--write", metavar="SECTION", help="of docs/performance.md")
        chosen = self.parse_args(arguments)
        report.publish(measure(chosen), chosen.write)
        return 0


def environment(chosen: argparse.Namespace) -> dict[str, str]:
    """The settings of this project that `--env` names."""
    return dict(pair.split("=", 1) for pair in chosen.env)

"""What was measured of two subjects, row by row, and its table."""

from collections import defaultdict
from collections.abc import Sequence

from . import numbers, report
from .subjects import Subject


class Comparison:
    """Values of both subjects by row, in the order in which the rows first came."""

    def __init__(self, subjects: Sequence[Subject]) -> None:
        self.subjects = subjects
        self._values: dict[str, dict[Subject, list[float]]] = defaultdict(
            lambda: {subject: [] for subject in subjects}
        )
        self._without_ratio: set[str] = set()

    def add(self, row: str, of: Subject, value: float, has_ratio: bool = True) -> None:
        """One more value."""
        self._values[row][of].append(value)
        if not has_ratio:
            self._without_ratio.add(row)

    def values(self, row: str, of: Subject) -> list[float]:
        """What was added, in order."""
        return self._values[row][of] if row in self._values else []

    def table(self) -> str:
        """Medians with their extremes, and ratios of pairs."""
        first, second = self.subjects
        head = ["measure", first.name, second.name, "ratio", "ratio of the rounds"]
        return report.table(head, [self._row(row) for row in self._values])

    def _row(self, row: str) -> list[str]:
        both = [self._values[row][subject] for subject in self.subjects]
        cells = [row, *map(numbers.spread, both)]
        ratio = numbers.ratio_of_pairs(*both)
        if ratio is None or row in self._without_ratio:
            return [*cells, "", ""]
        least, most = numbers.text(ratio.least), numbers.text(ratio.most)
        extremes = f"{least} to {most}" if least != most else ""
        return [*cells, numbers.text(ratio.median), extremes]

"""Proportions of correct predictions, with n and a 95 % interval; none below 20."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count, Q

from registry.models import ModelVersion, Outcome

ENOUGH = 20


@dataclass(frozen=True)
class Proportion:
    """The proportion of `n` predictions that were correct; share and interval are None below 20."""

    n: int
    correct: int

    @property
    def share(self) -> float | None:
        """Within 0..1."""
        return self.correct / self.n if self.n >= ENOUGH else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % Wilson interval of the share."""
        return wilson(self.correct, self.n) if self.n >= ENOUGH else None


def wilson(correct: int, n: int, z: float = 1.959964) -> tuple[float, float]:
    """The Wilson score interval of a share (Wilson 1927), within 0..1; `z` 1.96 gives 95 %."""
    if n == 0:
        return 0.0, 1.0
    p = correct / n
    scale = 1 + z * z / n
    centre = (p + z * z / (2 * n)) / scale
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / scale
    return max(0.0, centre - half), min(1.0, centre + half)


def by_target(
    version: ModelVersion, source: str = Outcome.Source.PREQUENTIAL
) -> dict[str, Proportion]:
    """The proportions of a version's predictions from this source, by target; one query."""
    return by_source(version, [source])[source]


def by_source(version: ModelVersion, sources: Sequence[str]) -> dict[str, dict[str, Proportion]]:
    """The proportions from each of the sources, by target; one query."""
    rows = (
        Outcome.objects.filter(version=version, source__in=sources)
        .values("source", "target")
        .annotate(n=Count("id"), right=Count("id", filter=Q(correct=True)))
        .order_by("target")
    )
    found: dict[str, dict[str, Proportion]] = {source: {} for source in sources}
    for row in rows:
        found[row["source"]][row["target"]] = Proportion(row["n"], row["right"])
    return found

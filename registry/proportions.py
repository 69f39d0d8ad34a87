"""Proportions of correct predictions, with n and a 95 % interval; none below 20."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count, Q

from registry.models import ModelVersion, Outcome
from registry.wilson import wilson

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


def version_proportions(
    version: ModelVersion, sources: Sequence[str]
) -> dict[str, dict[str, Proportion]]:
    """A version's proportions, by source of the outcomes and by target; one query."""
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

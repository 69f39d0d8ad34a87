"""Proportions of correct predictions: of a version by source, and of the tasks to label next."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count, F, Q

from registry.models import ModelVersion, Outcome, Project
from registry.statistics import PROPORTION_MIN_N, Proportion


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


@dataclass(frozen=True)
class PickedAccuracy:
    """The accuracy on the tasks that were chosen to be labelled next, beside random ones.

    The proportions are of the champion's predictions before humans labelled the tasks.
    """

    chosen: Proportion
    at_random: Proportion

    @property
    def sentence(self) -> str:
        """What the two say, with their numbers."""
        chosen, at_random = self.chosen, self.at_random
        if chosen.share is None or at_random.share is None or chosen.interval is None:
            return (
                f"Whether the order helps is known from {PROPORTION_MIN_N} new labels of each kind "
                f"on: {chosen.n} of chosen tasks and {at_random.n} of random ones so far."
            )
        numbers = (
            f"Before humans labelled them the champion was right in {chosen.share:.0%} of the "
            f"chosen tasks (n = {chosen.n}) and in {at_random.share:.0%} of the random ones "
            f"(n = {at_random.n})"
        )
        if chosen.interval[1] < at_random.share:
            return f"The order helps: {_lowered(numbers)}."
        if chosen.share < at_random.share:
            return f"The order may help: {_lowered(numbers)}, which may be chance."
        return f"The order does not help so far: {_lowered(numbers)}."


def picked_accuracy(project: Project) -> PickedAccuracy:
    """Of the outcomes since each task was picked; one query."""
    outcomes = Outcome.objects.filter(
        source=Outcome.Source.PREQUENTIAL,
        version__project=project,
        at__gte=F("task__picked__picked_at"),
    )
    rows = (
        outcomes.values("task__picked__at_random")
        .annotate(n=Count("*"), right=Count("correct", filter=Q(correct=True)))
        .order_by()
    )
    found = {row["task__picked__at_random"]: Proportion(row["n"], row["right"]) for row in rows}
    nothing = Proportion(0, 0)
    return PickedAccuracy(found.get(False, nothing), found.get(True, nothing))


def _lowered(sentence: str) -> str:
    return sentence[0].lower() + sentence[1:]

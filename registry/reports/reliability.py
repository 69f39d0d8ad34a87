"""The bins of the reliability diagram: accuracy by score."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from django.db.models import Avg, Count, F, Q, Value
from django.db.models.functions import Floor, Least

from registry.models import Metric, ModelVersion, Outcome
from registry.statistics import wilson

BINS = 10


@dataclass(frozen=True)
class ScoreBin:
    """The outcomes with a score within [low, high). `interval`: Wilson's 95 % of their share."""

    low: float
    high: float
    n: int
    correct: int
    mean_score: float

    @property
    def share(self) -> float:
        """The accuracy, within 0..1."""
        return self.correct / self.n

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson, Probable inference, 1927."""
        return wilson(self.correct, self.n)


@dataclass(frozen=True)
class Reliability:
    """The bins with outcomes. `n` is the number of outcomes with a score.

    `ece` is the recorded calibration error, `ece_calibrated` that of a perfectly
    calibrated model at that n; None if not recorded. Of a set of labels the score is the
    lowest one of its decisions, and correct means the whole set.
    """

    target: str
    n: int
    bins: list[ScoreBin] = field(default_factory=list)
    ece: float | None = None
    ece_calibrated: float | None = None


def reliability(
    version: ModelVersion,
    target: str,
    source: str = Outcome.Source.HOLDOUT,
    errors: Mapping[str, float | None] | None = None,
) -> Reliability:
    """Ten bins of equal width (Guo et al., On Calibration of Modern Neural Networks, 2017).

    Two queries, one of them grouped by the database; the other where its `errors`, `ece` and
    `ece_calibrated`, are not given.
    """
    scored = Outcome.objects.filter(
        version=version, target=target, source=source, score__isnull=False
    )
    rows = (
        scored.annotate(bin=Least(Floor(F("score") * BINS), Value(BINS - 1.0)))
        .values("bin")
        .annotate(n=Count("*"), right=Count("correct", filter=Q(correct=True)), mean=Avg("score"))
        .order_by("bin")
    )
    bins = [
        ScoreBin(row["bin"] / BINS, (row["bin"] + 1) / BINS, row["n"], row["right"], row["mean"])
        for row in rows
    ]
    if errors is None:
        errors = _errors(version, target) if source == Outcome.Source.HOLDOUT else {}
    return Reliability(
        target,
        sum(b.n for b in bins),
        bins,
        ece=errors.get("ece"),
        ece_calibrated=errors.get("ece_calibrated"),
    )


def _errors(version: ModelVersion, target: str) -> dict[str, float | None]:
    found = Metric.objects.filter(
        version=version, target=target, name__in=["ece", "ece_calibrated"], label="", step=0
    )
    return dict(found.filter(split="holdout").values_list("name", "value"))

"""The table of metrics: title, direction, range, baseline and unit. Pure."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, TypeVar

if TYPE_CHECKING:
    import numpy as np

Values = TypeVar("Values", float, "np.ndarray")


class Direction(StrEnum):
    """Which values of a metric are better."""

    HIGHER = "higher"
    LOWER = "lower"
    NEITHER = "neither"


class Unit(StrEnum):
    """What a value counts; a score counts nothing."""

    SCORE = "score"
    COUNT = "count"


@dataclass(frozen=True)
class MetricInfo:
    """A metric of a version or of one of its targets.

    `range` is the least and the greatest value that it can have. `baseline` is the name of the
    metric that it is compared with: what a version would score without learning anything, or,
    for the calibration error, what a perfectly calibrated one would; `baseline_title` says which.
    The `step` of a metric `at_k` is its k.
    """

    name: str
    title: str
    direction: Direction = Direction.HIGHER
    range: tuple[float, float] = (0.0, 1.0)
    baseline: str = ""
    baseline_title: str = "baseline"
    unit: Unit = Unit.SCORE
    at_k: bool = False

    def gain(self, value: float, other: float) -> float:
        """How much better `value` is than `other`: negative where it is worse."""
        if self.direction == Direction.NEITHER:
            return 0.0
        return other - value if self.direction == Direction.LOWER else value - other

    def score(self, value: Values) -> Values:
        """The value as a score of which higher is better, to be averaged with other metrics'."""
        if self.direction != Direction.LOWER:
            return value
        least, greatest = self.range
        return least + greatest - value if math.isfinite(greatest) else 1 / (1 + value - least)


METRICS = {
    metric.name: metric
    for metric in (
        # As a metric: that of targets whose own ones differ, each counted as a score.
        MetricInfo("primary", "mean over targets", baseline="baseline_primary"),
        # The ends of its 95 % interval, where holdout and out of fold are combined.
        MetricInfo("primary_low", "primary metric, from", Direction.NEITHER),
        MetricInfo("primary_high", "primary metric, to", Direction.NEITHER),
        MetricInfo(
            "accuracy",
            "accuracy",
            baseline="baseline_accuracy",
            baseline_title="majority class",
        ),
        MetricInfo(
            "macro_f1",
            "macro F1",
            baseline="baseline_macro_f1",
            baseline_title="majority class",
        ),
        MetricInfo("micro_f1", "micro F1", baseline="baseline_micro_f1"),
        MetricInfo("weighted_f1", "weighted F1"),
        MetricInfo("subset_accuracy", "subset accuracy", baseline="baseline_subset_accuracy"),
        MetricInfo("f1", "F1"),
        MetricInfo("precision", "precision"),
        MetricInfo("recall", "recall"),
        MetricInfo(
            "precision_at_k", "precision at k", baseline="baseline_precision_at_k", at_k=True
        ),
        MetricInfo(
            "adjusted_rand", "adjusted Rand", range=(-0.5, 1.0), baseline="baseline_adjusted_rand"
        ),
        MetricInfo("v_measure", "V-measure"),
        MetricInfo("silhouette", "silhouette", range=(-1.0, 1.0)),
        MetricInfo("log_loss", "log loss", Direction.LOWER, range=(0.0, math.inf)),
        MetricInfo(
            "ece",
            "calibration error (ECE)",
            Direction.LOWER,
            baseline="ece_calibrated",
            baseline_title="perfectly calibrated",
        ),
        MetricInfo("map_50", "mAP@50"),
        MetricInfo("map_50_95", "mAP@50:95"),
        MetricInfo("ap_50", "AP@50"),
        MetricInfo("precision_at_recall", "precision at recall"),
        MetricInfo("score_threshold", "threshold", Direction.NEITHER),
        MetricInfo("mae", "MAE", Direction.LOWER, range=(0.0, math.inf)),
        *(
            MetricInfo(name, name, Direction.NEITHER, range=(0.0, math.inf), unit=Unit.COUNT)
            for name in ("references", "clusters", "support")
        ),
    )
}
BASELINES = frozenset(metric.baseline for metric in METRICS.values() if metric.baseline)
# Metrics that another one is compared with, or that are points of a curve: no rows of their own.
NO_ROW = BASELINES | {"learning_curve"}
# Those whose `step` is their k: neither a class nor a point of a curve.
AT_K = frozenset(
    name
    for metric in METRICS.values()
    if metric.at_k
    for name in (metric.name, metric.baseline)
    if name
)


def metric_info(name: str) -> MetricInfo:
    """The metric of that name; one that is not listed is a score from 0 to 1, higher is better."""
    return METRICS.get(name) or MetricInfo(name, name.replace("_", " "), at_k=name in AT_K)


def title(name: str, metric: str = "", k: int = 0) -> str:
    """The metric's name for people: `macro F1`, `log loss`, `precision at 10`.

    `metric` is what a primary one is the mean of: `primary metric (adjusted Rand)`.
    """
    if name == "primary" and metric:
        return f"primary metric ({title(metric)})"
    if k and metric_info(name).at_k:
        return f"{metric_info(name).title.removesuffix(' k')} {k}"
    return metric_info(name).title


def is_whole(name: str, split: str, label: str, step: int) -> bool:
    """Whether a value is of a version or target on the holdout, not of a class or a curve."""
    return split == "holdout" and label == "" and (step == 0 or name in AT_K)


class Measure(NamedTuple):
    """The identity of a metric; values of two versions with the same measure are comparable.

    `metric` is what a primary one is the mean of, and of any other its name; `k` is that of
    precision at k, else 0.
    """

    target: str
    name: str
    metric: str
    k: int


def measured(target: str, name: str, step: int, primary_metric: str) -> Measure:
    """The measure of a metric of a version with that primary metric."""
    metric = primary_metric if name == "primary" else name
    return Measure(target, name, metric, step if metric_info(name).at_k else 0)


def mean(values: Iterable[float | None]) -> float | None:
    """The mean of the defined values; None without any."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None

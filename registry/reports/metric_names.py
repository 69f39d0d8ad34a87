"""What metrics are called, which way each is better, and what each stands beside."""

from typing import NamedTuple

from django.db.models import Q

# The metric that says what a version would score without learning anything, or, for the
# calibration error, what a perfectly calibrated one would.
BASELINES = {
    "accuracy": "baseline_accuracy",
    "macro_f1": "baseline_macro_f1",
    "micro_f1": "baseline_micro_f1",
    "subset_accuracy": "baseline_subset_accuracy",
    "precision_at_k": "baseline_precision_at_k",
    "adjusted_rand": "baseline_adjusted_rand",
    "ece": "ece_calibrated",
}
LOWER_IS_BETTER = frozenset({"log_loss", "ece", "mae"})
# How many there are: more is neither better nor worse.
COUNTS = frozenset({"references", "clusters", "support"})
# Metrics that are read beside another one, or as a curve, and never by themselves.
BESIDE = frozenset(BASELINES.values()) | {"learning_curve"}
# Those whose `step` is their k.
AT_K = frozenset({"precision_at_k", BASELINES["precision_at_k"]})
# What is neither of a class nor a point of a curve.
WHOLE = Q(split="holdout", label="") & (Q(step=0) | Q(name__in=AT_K))

_TITLES = {
    "primary": "primary metric",
    "macro_f1": "macro F1",
    "micro_f1": "micro F1",
    "weighted_f1": "weighted F1",
    "f1": "F1",
    "ece": "calibration error (ECE)",
    "mae": "MAE",
    "adjusted_rand": "adjusted Rand",
    "v_measure": "V-measure",
}
# The ends that a metric does not pass, where they are not 0 and 1.
_ENDS = {"adjusted_rand": (-0.5, 1.0), "silhouette": (-1.0, 1.0)}


class Measure(NamedTuple):
    """Which number of a version it is; two versions' numbers of one measure can be compared.

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
    return Measure(target, name, metric, step if name in AT_K else 0)


def title(name: str, metric: str = "", k: int = 0) -> str:
    """The metric's name for people: `macro F1`, `log loss`, `precision at 10`.

    `metric` is what a primary one is the mean of: `primary metric (adjusted Rand)`.
    """
    if name == "primary" and metric not in ("", "primary"):
        return f"{_TITLES[name]} ({title(metric)})"
    if name in AT_K and k:
        return f"{name.removesuffix('_k').replace('_', ' ')} {k}"
    return _TITLES.get(name, name.replace("_", " "))


def ends(metric: str) -> tuple[float, float]:
    """The least and the greatest value that the metric can have."""
    return _ENDS.get(metric, (0.0, 1.0))

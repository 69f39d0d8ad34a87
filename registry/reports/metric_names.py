"""What metrics are called, which way each is better, and what each stands beside."""

# The metric that says what a version would score without learning anything, or, for the
# calibration error, what a perfectly calibrated one would.
BASELINES = {
    "primary": "baseline_macro_f1",
    "accuracy": "baseline_accuracy",
    "macro_f1": "baseline_macro_f1",
    "micro_f1": "baseline_micro_f1",
    "subset_accuracy": "baseline_subset_accuracy",
    "ece": "ece_calibrated",
}
LOWER_IS_BETTER = frozenset({"log_loss", "ece", "mae"})
# Metrics that are read beside another one, or as a curve, and never by themselves.
BESIDE = frozenset(BASELINES.values()) | {"learning_curve"}

_TITLES = {
    "primary": "primary metric",
    "macro_f1": "macro F1",
    "micro_f1": "micro F1",
    "weighted_f1": "weighted F1",
    "f1": "F1",
    "ece": "calibration error (ECE)",
    "mae": "MAE",
}


def title(name: str) -> str:
    """The metric's name for people: `macro F1`, `log loss`."""
    return _TITLES.get(name, name.replace("_", " "))

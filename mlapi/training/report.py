"""A version's numbers as a table for a terminal, beside the baseline and with n."""

from rich.table import Table

from registry.models import ModelVersion

# What a number is to be compared with: another metric's name, and what that is.
_BESIDE = {
    "accuracy": ("baseline_accuracy", "majority class"),
    "macro_f1": ("baseline_macro_f1", "majority class"),
    "micro_f1": ("baseline_micro_f1", "baseline"),
    "subset_accuracy": ("baseline_subset_accuracy", "baseline"),
    "ece": ("ece_calibrated", "perfectly calibrated"),
}
_NOT_ROWS = {*(name for name, _ in _BESIDE.values()), "learning_curve"}


def metrics_table(version: ModelVersion) -> Table:
    """One row per target and metric over all classes; then one per class with its F1."""
    table = Table(title=f"{version.label} on the holdout")
    for column in ("target", "metric"):
        table.add_column(column)
    table.add_column("value", justify="right")
    table.add_column("beside a baseline")
    table.add_column("n", justify="right")
    metrics = list(version.metrics.filter(split="holdout").order_by("target", "pk"))
    found = {(m.target, m.name): m.value for m in metrics if not m.label}
    for metric in metrics:
        if metric.name in _NOT_ROWS or (metric.label and metric.name != "f1"):
            continue
        name = f"{metric.name} of {metric.label}" if metric.label else metric.name
        other, what = _BESIDE.get(metric.name, ("", ""))
        beside = None if metric.label else found.get((metric.target, other))
        table.add_row(
            metric.target or "all",
            name,
            _number(metric.value),
            f"{_number(beside)} ({what})" if beside is not None else "",
            str(metric.n),
        )
    for target in version.targets.filter(trained=False):
        table.add_row(target.name, "not trained", target.untrained_reason, "", "")
    return table


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"

"""A version's numbers as a table for a terminal, beside the baseline and with n."""

from rich.table import Table

from registry.models import ModelVersion

_BASELINES = {"accuracy": "baseline_accuracy", "macro_f1": "baseline_macro_f1"}
# What a perfectly calibrated model would read at that n.
_CALIBRATED = {"ece": "ece_calibrated"}
_BESIDE = {**_BASELINES, **_CALIBRATED}
_NOT_ROWS = {*_BESIDE.values(), "learning_curve"}


def metrics_table(version: ModelVersion) -> Table:
    """One row per target and metric over all classes; then one per class with its F1."""
    table = Table(title=f"{version.label} on the holdout")
    for column in ("target", "metric"):
        table.add_column(column)
    for column in ("value", "baseline", "n"):
        table.add_column(column, justify="right")
    metrics = list(version.metrics.filter(split="holdout").order_by("target", "pk"))
    found = {(m.target, m.name): m.value for m in metrics if not m.label}
    for metric in metrics:
        if metric.name in _NOT_ROWS or (metric.label and metric.name != "f1"):
            continue
        name = f"{metric.name} of {metric.label}" if metric.label else metric.name
        beside = None if metric.label else found.get((metric.target, _BESIDE.get(metric.name, "")))
        table.add_row(
            metric.target or "all", name, _number(metric.value), _number(beside), str(metric.n)
        )
    for target in version.targets.filter(trained=False):
        table.add_row(target.name, "not trained", target.untrained_reason, "", "")
    return table


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"

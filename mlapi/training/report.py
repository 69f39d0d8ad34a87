"""A version's numbers as a table for a terminal, beside the baseline and with n."""

from rich.table import Table

from registry.metrics import NO_ROW, info
from registry.models import ModelVersion


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
        if metric.name in NO_ROW or (metric.label and metric.name != "f1"):
            continue
        name = f"{metric.name} of {metric.label}" if metric.label else metric.name
        known = info(metric.name)
        beside = None if metric.label else found.get((metric.target, known.baseline))
        table.add_row(
            metric.target or "all",
            name,
            _number(metric.value),
            f"{_number(beside)} ({known.baseline_title})" if beside is not None else "",
            str(metric.n),
        )
    for target in version.targets.filter(trained=False):
        table.add_row(target.name, "not trained", target.untrained_reason, "", "")
    return table


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"

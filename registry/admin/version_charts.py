"""A target's charts on a version's page: confusion, learning curve, reliability."""

from typing import Any

from django.utils.safestring import SafeString

from registry import charts
from registry.formatting import format_3dp, signed
from registry.models import Metric, ModelVersion, Outcome, Target
from registry.reports.confusion import NO_ANSWER, Confusion, LabelTable, confusion
from registry.reports.metrics import ClassRow
from registry.reports.reliability import Reliability
from registry.reports.series import TargetCurve

from .navigation import list_url

_CURVES = 8  # more lines cannot be distinguished


def confusion_chart(version: ModelVersion, target: Target) -> dict[str, Any]:
    """The matrix of a single choice as a heat map, or a table of labels of a multiple one."""
    found = confusion(version, target)
    if found.tables:
        return {"n": found.n, "tables": [_table(version, target, t) for t in found.tables]}
    # With one label, no prediction is correct for tasks without it.
    only = target.labels[0] if len(target.labels) == 1 else None
    return {"n": found.n, "chart": _heat_map(version, found, only) if found.n else ""}


def _heat_map(version: ModelVersion, found: Confusion, only: str | None) -> SafeString:
    if found.of_objects:
        what, noun = "Objects by people and by the model,", "object"
        no_answer = no_label = "background"
    else:
        what, noun = "Human labels and predictions", "task"
        no_answer, no_label = "no answer", "no label"
    columns = [label or no_answer for label in found.labels]
    rows = [
        (human, counts)
        for human, counts in zip(found.labels, found.counts, strict=True)
        if human != NO_ANSWER or any(counts)
    ]
    cells = [
        [
            charts.Cell(
                n,
                _cell_url(version, found.target, human=human, predicted=predicted),
                is_right=only not in (None, human) and predicted == NO_ANSWER,
                noun=noun,
            )
            for predicted, n in zip(found.labels, counts, strict=True)
        ]
        for human, counts in rows
    ]
    return charts.heat_map(
        f"{what} of {found.n} holdout tasks",
        rows=[human or no_label for human, _ in rows],
        columns=columns,
        cells=cells,
    )


def precision_recall_chart(version: ModelVersion, target: Target) -> SafeString | None:
    """The precision of each label by its recall; None for a target without it. One query."""
    found = Metric.objects.filter(version=version, target=target.name, name="precision_at_recall")
    series: dict[str, list[charts.Point]] = {}
    for row in found.order_by("label", "step"):
        recall = row.step / 100
        point = charts.Point(recall, row.value, f"{recall:.2f}", note=f"n = {row.n}")
        series.setdefault(row.label, []).append(point)
    if not series:
        return None
    curves = [charts.Series(label, points) for label, points in series.items()][:_CURVES]
    return charts.line_chart("Precision by recall", curves, x_name="Recall")


def _table(version: ModelVersion, target: Target, table: LabelTable) -> dict[str, Any]:
    """A label's two-by-two table, each count with its link."""
    cells = {
        name: (
            getattr(table, name),
            _cell_url(version, target.name, label=table.label, cell=name),
        )
        for name in ("both", "human_only", "model_only", "neither")
    }
    return {"label": table.label, **cells}


def _cell_url(version: ModelVersion, target: str, **cell: str) -> str:
    return list_url(
        Outcome, version__id__exact=version.pk, source__exact="holdout", target=target, **cell
    )


def curve_chart(curve: TargetCurve) -> SafeString:
    """Macro F1 on the holdout by the number of training examples."""
    points = [charts.Point(p.step, p.value, str(p.step), note=f"n = {p.n}") for p in curve.points]
    return charts.line_chart(
        "Would more labels help?",
        [charts.Series("Macro F1 on the holdout", points)],
        x_name="Training labels",
        empty="No learning curve yet: it is computed after the promotion.",
    )


def reliability_chart(found: Reliability) -> SafeString:
    """Accuracy by score."""
    return charts.reliability_diagram(
        "Calibration: accuracy by score",
        [charts.Bin(b.mean_score, b.share, b.n, *b.interval) for b in found.bins],
    )


def calibration_sentence(found: Reliability) -> str:
    """The calibration error beside that of a perfectly calibrated model."""
    if found.ece is None:
        return ""
    beside = (
        ""
        if found.ece_calibrated is None
        else f"; a perfectly calibrated model would have {format_3dp(found.ece_calibrated)}"
    )
    return f"Calibration error (ECE) {format_3dp(found.ece)} on n = {found.n}{beside}."


def class_row(row: ClassRow) -> dict[str, Any]:
    """A row of the per-class table, with the change of F1 since the previous champion."""
    change = None
    if row.f1 is not None and row.previous_f1 is not None:
        change = row.f1 - row.previous_f1
    css = "" if not change or abs(change) < 0.0005 else "better" if change > 0 else "worse"
    return {
        "label": row.label,
        "precision": format_3dp(row.precision),
        "recall": format_3dp(row.recall),
        "f1": format_3dp(row.f1),
        "share": 100 * (row.f1 or 0.0),
        "n": row.n,
        "average_precision": format_3dp(row.average_precision),
        "threshold": format_3dp(row.threshold),
        "previous": format_3dp(row.previous_f1),
        "previous_n": row.previous_n,
        "change": signed(change),
        "css": css,
    }

"""How good a version is over all classes, beside the baseline and the champion before it."""

from collections import defaultdict
from dataclasses import dataclass

from registry.metrics import NO_ROW, Measure, info, mean, measured
from registry.models import Metric, ModelVersion


@dataclass(frozen=True)
class MetricRow:
    """A metric of the whole version (`target` empty) or of one target, on the holdout.

    The baseline is on the same holdout; the previous champion's value on that of its time. For
    `metric` and `k` see `Measure`.
    """

    target: str
    name: str
    metric: str
    k: int
    value: float | None
    n: int
    baseline: float | None
    previous: float | None = None
    previous_n: int = 0

    @property
    def beats_baseline(self) -> bool | None:
        """None where either is undefined, or there is no baseline."""
        if self.value is None or self.baseline is None:
            return None
        return info(self.metric).gain(self.value, self.baseline) > 0


def whole_metrics(version: ModelVersion, previous: ModelVersion | None = None) -> list[MetricRow]:
    """The version's metrics without those of classes and curves, its own first; one query."""
    primary = {v.pk: v.primary_metric for v in (version, previous) if v}
    rows = Metric.objects.whole().filter(version__in=primary)
    found: defaultdict[int, dict[Measure, Metric]] = defaultdict(dict)
    for row in rows.order_by("target", "id"):
        measure = measured(row.target, row.name, row.step, primary[row.version_id])
        found[row.version_id][measure] = row
    own, before = found[version.pk], found[previous.pk] if previous else {}
    return [
        MetricRow(
            *measure,
            value=row.value,
            n=row.n,
            baseline=_baseline(own, measure),
            previous=before[measure].value if measure in before else None,
            previous_n=before[measure].n if measure in before else 0,
        )
        for measure, row in own.items()
        if measure.name not in NO_ROW
    ]


def _baseline(own: dict[Measure, Metric], of: Measure) -> float | None:
    """What the metric stands beside; that of the whole version is the mean of its targets'."""
    beside = (info(of.metric).baseline, of.k)
    there = [m for m in own if (m.name, m.k) == beside and m.target == (of.target or m.target)]
    return mean(own[measure].value for measure in there)

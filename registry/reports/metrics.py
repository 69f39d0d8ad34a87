"""How good a version is over all classes, beside the baseline and the champion before it."""

from collections import defaultdict
from dataclasses import dataclass

from registry.models import Metric, ModelVersion
from registry.reports.metric_names import BASELINES, BESIDE, LOWER_IS_BETTER
from registry.reports.series import mean


@dataclass(frozen=True)
class MetricRow:
    """A metric of the whole version (`target` empty) or of one target, on the holdout.

    The baseline is on the same holdout; the previous champion's value on that of its time.
    """

    target: str
    name: str
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
        if self.name in LOWER_IS_BETTER:
            return self.value < self.baseline
        return self.value > self.baseline


def whole_metrics(version: ModelVersion, previous: ModelVersion | None = None) -> list[MetricRow]:
    """The version's metrics without those of classes and curves, its own first; one query."""
    versions = [version.pk, *([previous.pk] if previous else [])]
    rows = Metric.objects.filter(version__in=versions, split="holdout", label="", step=0)
    found: defaultdict[int, dict[tuple[str, str], Metric]] = defaultdict(dict)
    for metric in rows.order_by("target", "id"):
        found[metric.version_id][metric.target, metric.name] = metric
    own, before = found[version.pk], found[previous.pk] if previous else {}
    return [
        MetricRow(
            target=target,
            name=name,
            value=metric.value,
            n=metric.n,
            baseline=_baseline(own, target, name),
            previous=before[target, name].value if (target, name) in before else None,
            previous_n=before[target, name].n if (target, name) in before else 0,
        )
        for (target, name), metric in own.items()
        if name not in BESIDE
    ]


def _baseline(own: dict[tuple[str, str], Metric], target: str, name: str) -> float | None:
    """What the metric stands beside; that of the whole version is the mean of its targets'."""
    beside = BASELINES.get(name)
    there = [m.value for (t, n), m in own.items() if n == beside and t == (target or t)]
    return mean(there)

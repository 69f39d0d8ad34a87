"""A version's metrics, whole and per class, beside the baseline and the previous champion."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet

from registry.metrics import NO_ROW, Measure, mean, measured, metric_info
from registry.models import Metric, ModelVersion, Project
from registry.training_result import COMBINED


@dataclass(frozen=True)
class WholeMetric:
    """A metric of the whole version (`target` empty) or of one target, on the holdout.

    The baseline is on the same holdout; the previous champion's value on that of its time. For
    `metric` and `k` see `Measure`. Only the primary metric has an `interval`, of 95 %.
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
    interval: tuple[float, float] | None = None

    @property
    def beats_baseline(self) -> bool | None:
        """Whether the value is better than the baseline; None if either is undefined."""
        if self.value is None or self.baseline is None:
            return None
        return metric_info(self.metric).gain(self.value, self.baseline) > 0


def whole_metrics(version: ModelVersion, previous: ModelVersion | None = None) -> list[WholeMetric]:
    """The version's metrics without those of classes and curves, its own first; one query."""
    rows, _ = whole_and_combined(version, previous)
    return rows


def whole_and_combined(
    version: ModelVersion, previous: ModelVersion | None = None
) -> "tuple[list[WholeMetric], CombinedMetric | None]":
    """The same, and the version's primary metric on all labelled tasks; one query for both.

    None where the holdout alone is large enough.
    """
    primary = {v.pk: v.primary_metric for v in (version, previous) if v}
    rows = Metric.objects.whole() | Metric.objects.filter(target="", split=COMBINED)
    found: defaultdict[int, dict[Measure, Metric]] = defaultdict(dict)
    combined: dict[str, Metric] = {}
    for row in rows.filter(version__in=primary).order_by("target", "id"):
        if row.split == COMBINED:
            if row.version_id == version.pk:
                combined[row.name] = row
            continue
        measure = measured(row.target, row.name, row.step, primary[row.version_id])
        found[row.version_id][measure] = row
    own, before = found[version.pk], found[previous.pk] if previous else {}
    whole = [
        WholeMetric(
            *measure,
            value=row.value,
            n=row.n,
            baseline=_baseline(own, measure),
            previous=before[measure].value if measure in before else None,
            previous_n=before[measure].n if measure in before else 0,
            interval=version.primary_interval if measure.name == "primary" else None,
        )
        for measure, row in own.items()
        if measure.name not in NO_ROW
    ]
    return whole, _combined(combined)


@dataclass(frozen=True)
class CombinedMetric:
    """The primary metric on all `n` labelled tasks: those of the holdout, and those of the training
    split as models of other training tasks predict them. `interval` is its 95 % interval.
    """

    value: float
    n: int
    interval: tuple[float, float] | None


def _combined(found: dict[str, Metric]) -> CombinedMetric | None:
    primary = found.get("primary")
    if primary is None or primary.value is None:
        return None
    low, high = (_value(found.get(name)) for name in ("primary_low", "primary_high"))
    ends = None if low is None or high is None else (low, high)
    return CombinedMetric(primary.value, primary.n, ends)


def _baseline(own: dict[Measure, Metric], of: Measure) -> float | None:
    """The metric's baseline; that of the whole version is the mean of its targets'."""
    beside = (metric_info(of.metric).baseline, of.k)
    baselines = [m for m in own if (m.name, m.k) == beside and m.target == (of.target or m.target)]
    return mean(own[measure].value for measure in baselines)


_OF_OBJECTS = ("ap_50", "score_threshold")
_NAMES = ("precision", "recall", "f1", "support", *_OF_OBJECTS)


@dataclass(frozen=True)
class ClassRow:
    """A class on the holdout. `n` is its number of human labels, and the n of F1 and recall.

    If not `by_humans`, because the version groups tasks, `n` is its number of predictions.
    The previous champion's F1 is on that version's own holdout, with its own n. Of objects there
    is also AP@50, and the threshold of the score, which the training split chose.
    """

    target: str
    label: str
    precision: float | None
    recall: float | None
    f1: float | None
    n: int
    previous_f1: float | None = None
    previous_n: int = 0
    by_humans: bool = True
    average_precision: float | None = None
    threshold: float | None = None


def per_class(version: ModelVersion, previous: ModelVersion | None = None) -> list[ClassRow]:
    """A row for each target and class that it was trained or evaluated on; one query."""
    versions = [version.pk, *([previous.pk] if previous else [])]
    found = Metric.objects.filter(
        Q(split="holdout") | Q(name__in=_OF_OBJECTS),
        version__in=versions,
        name__in=_NAMES,
        step=0,
    )
    values: defaultdict[tuple[int, str, str], dict[str, Metric]] = defaultdict(dict)
    for metric in found.exclude(label="").order_by("target", "id"):
        values[metric.version_id, metric.target, metric.label][metric.name] = metric
    rows = []
    for (version_id, target, label), own in values.items():
        if version_id != version.pk:
            continue
        before = values.get((previous.pk, target, label), {}) if previous else {}
        rows.append(_row(target, label, own, before))
    return rows


def _row(target: str, label: str, own: dict[str, Metric], before: dict[str, Metric]) -> ClassRow:
    support = own.get("support") or own.get("f1")
    previous = before.get("f1")
    return ClassRow(
        target=target,
        label=label,
        precision=_value(own.get("precision")),
        recall=_value(own.get("recall")),
        f1=_value(own.get("f1")),
        n=support.n if support else 0,
        previous_f1=_value(previous),
        previous_n=previous.n if previous else 0,
        by_humans=own.keys() != {"support"},
        average_precision=_value(own.get("ap_50")),
        threshold=_value(own.get("score_threshold")),
    )


def _value(metric: Metric | None) -> float | None:
    return metric.value if metric else None


def champion_metrics(projects: QuerySet[Project]) -> list[dict[str, Any]]:
    """Each champion with its whole metrics and baselines, as plain values; two queries."""
    serving = projects.filter(champion__isnull=False).order_by("pk")
    champions = [(p, p.champion) for p in serving if p.champion]
    by_version: dict[int, list[dict[str, Any]]] = {version.pk: [] for _, version in champions}
    metrics = Metric.objects.whole().filter(version__in=list(by_version))
    for metric in metrics.order_by("version", "target", "name", "split"):
        by_version[metric.version_id].append(
            {
                "target": metric.target,
                "name": metric.name,
                "split": metric.split,
                "value": metric.value,
                "n": metric.n,
            }
        )
    return [
        {
            "project": p.uid,
            "title": p.title,
            "version": version.label,
            "metrics": by_version[version.pk],
        }
        for p, version in champions
    ]

"""Series of a metric: over a project's versions and days, and over numbers of training examples."""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import Count, Q
from django.db.models.functions import TruncDate
from django.utils import timezone

from registry.metrics import BASELINES, mean, measured, metric_info
from registry.models import Metric, ModelVersion, Outcome, Project
from registry.statistics import Proportion

WINDOW = 7  # days


@dataclass(frozen=True)
class MetricPoint:
    """A metric of one version on its holdout; `value` is None where it is undefined.

    `version` is its id, `label` its label, `baseline` the metric's baseline
    (majority class, perfect calibration), None where there is none. For `metric` and `k` see
    `Measure`: those of the primary metric may differ from version to version. Only the primary
    metric has an `interval`, of 95 %.
    """

    version: int
    label: str
    number: int
    metric: str
    k: int
    value: float | None
    interval: tuple[float, float] | None
    n: int
    baseline: float | None
    at: datetime


@dataclass(frozen=True)
class Day:
    """Predictions on one day's new labels, and on those of the seven days ending with it."""

    day: date
    proportion: Proportion
    window: Proportion


def metric_series(project: Project, name: str, target: str = "") -> list[MetricPoint]:
    """The metric on the holdout of each version that has it, oldest first; one query.

    Without a target it is the whole version's. A metric that only targets have is then
    their unweighted mean, as the primary one is, with the largest n among them.
    """
    beside = BASELINES if name == "primary" else {metric_info(name).baseline}
    rows = Metric.objects.whole().filter(version__project=project, name__in={name, *beside})
    if target:
        rows = rows.filter(target=target)
    found = rows.order_by("version__number", "target").values(
        "version",
        "version__label",
        "version__number",
        "version__created_at",
        "version__primary_metric",
        "version__primary_low",
        "version__primary_high",
        "target",
        "name",
        "step",
        "value",
        "n",
    )
    by_version: defaultdict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in found:
        by_version[row["version"]].append(dict(row))
    return [p for rows in by_version.values() if (p := _point(rows, name)) is not None]


def prequential_series(project: Project, days: int = 90) -> list[Day]:
    """The prequential accuracy day by day, oldest first; one query.

    Over all targets and versions of the project. Days without outcomes are omitted. One
    day's outcomes are often too few, so each day also has those of the week that it ends.
    """
    today = timezone.localdate()
    first = today - timedelta(days=days - 1)
    rows = (
        Outcome.objects.filter(
            version__project=project,
            source=Outcome.Source.PREQUENTIAL,
            at__gte=start_of(first - timedelta(days=WINDOW - 1)),
        )
        .annotate(day=TruncDate("at"))
        .values("day")
        .annotate(n=Count("*"), right=Count("correct", filter=Q(correct=True)))
        .order_by("day")
    )
    by_day = {row["day"]: Proportion(row["n"], row["right"]) for row in rows}
    return [Day(day, by_day[day], _window(by_day, day)) for day in by_day if day >= first]


def start_of(day: date) -> datetime:
    """The start of the day in the server's time zone."""
    return timezone.make_aware(datetime.combine(day, time.min))


def _window(by_day: dict[date, Proportion], last: date) -> Proportion:
    days = [by_day[day] for i in range(WINDOW) if (day := last - timedelta(days=i)) in by_day]
    return Proportion(sum(d.n for d in days), sum(d.correct for d in days))


def _point(rows: Sequence[dict[str, Any]], name: str) -> MetricPoint | None:
    """The version's point from its rows of the metric and of its baseline."""
    own = _whole([row for row in rows if row["name"] == name])
    if not own:
        return None
    first = own[0]
    measure = measured(first["target"], name, first["step"], first["version__primary_metric"])
    beside = _whole([row for row in rows if row["name"] == metric_info(measure.metric).baseline])
    return MetricPoint(
        version=first["version"],
        label=first["version__label"],
        number=first["version__number"],
        metric=measure.metric,
        k=measure.k,
        value=mean(row["value"] for row in own),
        interval=_interval(first) if name == "primary" else None,
        n=max(row["n"] for row in own),
        baseline=mean(row["value"] for row in beside),
        at=first["version__created_at"],
    )


def _interval(row: dict[str, Any]) -> tuple[float, float] | None:
    low, high = row["version__primary_low"], row["version__primary_high"]
    return None if low is None or high is None else (low, high)


def _whole(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The row of the whole version, else those of its targets."""
    return [row for row in rows if not row["target"]] or rows


ENOUGH = 30  # holdout tasks: below, the curve is mostly noise


@dataclass(frozen=True)
class CurvePoint:
    """The metric on the holdout (`n` tasks) after learning from `step` training examples."""

    step: int
    value: float | None
    n: int


@dataclass(frozen=True)
class TargetCurve:
    """A target's curve, by growing `step`."""

    target: str
    points: list[CurvePoint]

    @property
    def sentence(self) -> str:
        """Whether more labels would help, in one sentence with its numbers.

        It compares the whole training split with about half of it: a learning curve that
        follows a power law gains less with each further doubling (Figueroa et al.,
        Predicting sample size required for classification performance, 2012), so the last
        doubling's gain bounds the next one's.
        """
        known = [(p.step, p.value, p.n) for p in self.points if p.value is not None]
        if len(known) < 2:
            return "There are too few points to tell whether more labels would help."
        last_step, last, n = known[-1]
        step, before, _ = min(known[:-1], key=lambda p: abs(p[0] - last_step / 2))
        gain = last - before
        numbers = f"from {step} to {last_step} labels macro F1 went {before:.3f} → {last:.3f}"
        if n < ENOUGH:
            return f"The holdout is too small to tell (n = {n}); {numbers}."
        noise = math.sqrt(max(last * (1 - last), 0.01) / n)
        if gain > noise:
            return f"More labels would probably help: {numbers} (n = {n})."
        if gain > noise / 2:
            return f"More labels may help a little: {numbers} (n = {n})."
        return f"More labels alone would probably not help much: {numbers} (n = {n})."


def candidate_metric(candidate: dict[str, Any]) -> str:
    """The metric by which a run's candidate was scored."""
    return candidate.get("metric") or "macro_f1"


def may_have_curve(version: ModelVersion, target: str) -> bool:
    """Whether the target can have a curve: its recipe must have been selected by macro F1.

    Clusters and similarity have no recipe that more labels would improve.
    """
    candidates = version.run.candidates if version.run else []
    return any(c.get("target") == target and candidate_metric(c) == "macro_f1" for c in candidates)


def learning_curves(version: ModelVersion) -> list[TargetCurve]:
    """The curve of each target that has one; one query."""
    found = Metric.objects.filter(version=version, name="learning_curve", label="")
    by_target: defaultdict[str, list[CurvePoint]] = defaultdict(list)
    for m in found.order_by("target", "step"):
        by_target[m.target].append(CurvePoint(m.step, m.value, m.n))
    return [TargetCurve(target, points) for target, points in by_target.items()]

"""One result of the trainings of several pipelines, each of which made a part of the version."""

from collections.abc import Iterable, Sequence
from dataclasses import fields

from registry.metrics import info
from registry.training_result import (
    Comparison,
    MetricRow,
    OutcomeRow,
    TargetComparison,
    TargetRow,
    TrainingResult,
)

_MIXED = "primary"  # the metric of targets that do not have the same one


def join(
    results: Sequence[TrainingResult], untrained: Sequence[TargetRow], artifact_sha256: str
) -> TrainingResult:
    """The result of a version of these parts, whose joined artifact has this hash.

    `untrained` are the targets of pipelines that could not be trained. The primary value is the
    mean over all targets. Where their metrics differ, each counts as a score, of which higher is
    better.
    """
    metric = _common(result.primary_metric for result in results)
    metrics = [row for result in results for row in result.metrics if not _is_primary(row)]
    primary = _primary(results, metric)
    return TrainingResult(
        recipe=" / ".join(dict.fromkeys(result.recipe for result in results)),
        candidates=[row for result in results for row in result.candidates],
        targets=[*(row for result in results for row in result.targets), *untrained],
        metrics=[primary, *metrics] if primary else metrics,
        outcomes=[row for result in results for row in result.outcomes],
        comparison=_comparison(results),
        environment={k: v for result in results for k, v in result.environment.items()},
        primary_metric=metric,
        artifact_sha256=artifact_sha256,
        extractor=next((result.extractor for result in results if result.extractor), ""),
        exemplars=[row for result in results for row in result.exemplars],
    )


def _common(metrics: Iterable[str]) -> str:
    names = set(metrics)
    return names.pop() if len(names) == 1 else _MIXED


def _is_primary(row: MetricRow) -> bool:
    return (row.target, row.name) == ("", "primary")


def _primary(results: Sequence[TrainingResult], metric: str) -> MetricRow | None:
    """The mean over targets; each part's own is that of its targets."""
    total, weights = 0.0, 0
    for result in results:
        value = next((row.value for row in result.metrics if _is_primary(row)), None)
        if value is not None:
            n = len({row.target for row in result.metrics if row.name == result.primary_metric})
            total += _score(result.primary_metric, value, metric) * max(n, 1)
            weights += max(n, 1)
    if not weights:
        return None
    tasks = _tasks(row for result in results for row in result.outcomes)
    return MetricRow("primary", total / weights, tasks)


def _score(name: str, value: float, metric: str) -> float:
    """The value as it counts in the mean, whose metric this is."""
    return info(name).score(value) if metric == _MIXED else value


def _tasks(outcomes: Iterable[OutcomeRow]) -> int:
    return len({row.task for row in outcomes})


def _comparison(results: Sequence[TrainingResult]) -> Comparison | None:
    """The targets' comparisons, and the means over them; None where a part has none.

    The means have no interval: it would need the predictions of all parts.
    """
    parts = [result.comparison for result in results if result.comparison is not None]
    if len(parts) < len(results):
        return None
    targets: dict[str, TargetComparison] = {}
    for result, part in zip(results, parts, strict=True):
        targets |= part.targets or _of_one(result, part)
    metric = _common(one.metric for one in targets.values())
    both = [
        (_score(one.metric, one.candidate, metric), _score(one.metric, one.champion, metric))
        for one in targets.values()
        if one.candidate is not None and one.champion is not None
    ]
    candidate = sum(new for new, _ in both) / len(both) if both else None
    champion = sum(old for _, old in both) / len(both) if both else None
    outcomes = (row for result in results for row in result.outcomes if row.target in targets)
    return Comparison(
        metric=metric,
        candidate=candidate,
        champion=champion,
        difference=None if candidate is None or champion is None else candidate - champion,
        interval=None,
        n=_tasks(outcomes),
        excluded=sum(part.excluded for part in parts),
        champion_serves=any(part.champion_serves for part in parts),
        targets=targets,
    )


def _of_one(result: TrainingResult, part: Comparison) -> dict[str, TargetComparison]:
    """The comparison of a part that has one target, and no comparison by target."""
    names = (f.name for f in fields(TargetComparison))
    whole = TargetComparison(**{name: getattr(part, name) for name in names})
    return {target.name: whole for target in result.targets if target.trained}

"""One result of the trainings of several parts of a version."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from mlapi.evaluation.comparison import MIXED, PairedHoldout, PairedTarget
from mlapi.run_folder.job import ChosenElsewhere
from registry.metrics import MetricInfo, is_whole, metric_info
from registry.training_result import MetricRow, OutcomeRow, TargetRow, TrainingResult


@dataclass(frozen=True)
class TrainedPart:
    """A part of a version: its result, without a comparison, and what is compared.

    `own` are the targets that it has learned, by which its interval is computed. `paired` is None
    where there was no champion, or one that failed to predict. `chosen` are the labels that it and
    the champion's part predict for the holdout.
    """

    result: TrainingResult
    own: Sequence[PairedTarget]
    paired: PairedHoldout | None
    chosen: ChosenElsewhere = field(default_factory=ChosenElsewhere)


def join(
    results: Sequence[TrainingResult], untrained: Sequence[TargetRow], artifact_sha256: str
) -> TrainingResult:
    """The result of a version of these parts, whose joined artifact has this hash.

    `untrained` are the targets of parts that could not be trained. The primary value is the
    mean over all targets. Where their metrics differ, each counts as a score, of which higher is
    better, and so does its baseline.
    """
    metric = _common(result.primary_metric for result in results)
    metrics = [row for result in results for row in result.metrics if not _is_primary(row)]
    return TrainingResult(
        recipe=" / ".join(dict.fromkeys(result.recipe for result in results)),
        candidates=[row for result in results for row in result.candidates],
        targets=[*(row for result in results for row in result.targets), *untrained],
        metrics=[*_primary(results, metric), *metrics],
        outcomes=[row for result in results for row in result.outcomes],
        out_of_fold=[row for result in results for row in result.out_of_fold],
        environment={k: v for result in results for k, v in result.environment.items()},
        primary_metric=metric,
        artifact_sha256=artifact_sha256,
        extractor=", ".join(dict.fromkeys(r.extractor for r in results if r.extractor)),
        exemplars=[row for result in results for row in result.exemplars],
    )


def _common(metrics: Iterable[str]) -> str:
    names = set(metrics)
    return names.pop() if len(names) == 1 else MIXED


def _is_primary(row: MetricRow) -> bool:
    """Whether it is the mean of a part's targets; that of the combined splits has an interval."""
    return not row.target and row.name in ("primary", "primary_low", "primary_high")


def _primary(results: Sequence[TrainingResult], metric: str) -> list[MetricRow]:
    """The mean over the targets; for metrics that differ also that of their baselines."""
    values: list[float] = []
    baselines: list[float | None] = []
    for result in results:
        known = metric_info(result.primary_metric)
        for row in _whole(result, known.name):
            if row.value is not None:
                values.append(known.score(row.value) if metric == MIXED else row.value)
                baselines.append(_baseline(result, known, row.target))
    if not values:
        return []
    n = _tasks(row for result in results for row in result.outcomes)
    found = [MetricRow("primary", sum(values) / len(values), n)]
    if metric == MIXED:
        scores = [one for one in baselines if one is not None]
        # Without one of them their mean is over other targets than the value is.
        whole = sum(scores) / len(scores) if len(scores) == len(baselines) else None
        found.append(MetricRow(metric_info(MIXED).baseline, whole, n))
    return found


def _whole(result: TrainingResult, name: str) -> list[MetricRow]:
    """The rows of a metric of whole targets."""
    return [
        row
        for row in result.metrics
        if row.name == name and row.target and is_whole(name, row.split, row.label, row.step)
    ]


def _baseline(result: TrainingResult, metric: MetricInfo, target: str) -> float | None:
    """The score of a target's baseline; None where it has none."""
    rows = _whole(result, metric.baseline) if metric.baseline else []
    values = [row.value for row in rows if row.target == target]
    return metric.score(values[0]) if values and values[0] is not None else None


def _tasks(outcomes: Iterable[OutcomeRow]) -> int:
    return len({row.task for row in outcomes})

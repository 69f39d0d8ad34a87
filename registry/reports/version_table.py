"""Many versions of a project in one table: metrics, recipe, dataset, options, seconds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from registry.metrics import NO_ROW, Measure, measured
from registry.models import Metric, ModelVersion, TrainingRun

# Parameters of a run that nobody sets: its project's, and what it decides by itself.
_NO_OPTIONS = ("pipeline", "fingerprint", "challenger", "left_out")
_OF_RUN = ("parameters", "dataset_counts", "started_at", "ended_at")  # without its log


@dataclass(frozen=True)
class VersionRow:
    """A version: `values` by measure as (value, n); `options` are those that differ from others'.

    `tasks` are those of its dataset by split, `seconds` the run's. None where none is known.
    """

    version: ModelVersion
    values: Mapping[Measure, tuple[float | None, int]]
    tasks: Mapping[str, int]
    options: Mapping[str, Any]
    seconds: float | None


@dataclass(frozen=True)
class VersionTable:
    """The rows in the versions' order, and every measure that one of them has."""

    measures: list[Measure] = field(default_factory=list)
    rows: list[VersionRow] = field(default_factory=list)


def version_table(versions: Sequence[ModelVersion]) -> VersionTable:
    """The table of these versions, each on its own holdout; two queries."""
    values = _values(versions)
    runs = TrainingRun.objects.only(*_OF_RUN).in_bulk([v.run_id for v in versions if v.run_id])
    parameters = {v.pk: _options(runs.get(v.run_id or 0)) for v in versions}
    differing = _differing(list(parameters.values()))
    measures = dict.fromkeys(measure for found in values.values() for measure in found)
    return VersionTable(
        sorted(measures, key=lambda m: (m.name != "primary", m.target, m.name, m.k)),
        [
            VersionRow(
                version,
                values.get(version.pk, {}),
                _tasks(runs.get(version.run_id or 0)),
                {name: parameters[version.pk].get(name) for name in differing},
                _seconds(runs.get(version.run_id or 0)),
            )
            for version in versions
        ],
    )


def _values(
    versions: Sequence[ModelVersion],
) -> dict[int, dict[Measure, tuple[float | None, int]]]:
    primary = {version.pk: version.primary_metric for version in versions}
    found: dict[int, dict[Measure, tuple[float | None, int]]] = {}
    rows = Metric.objects.whole().filter(version__in=primary).exclude(name__in=NO_ROW)
    for row in rows.order_by("target", "id"):
        measure = measured(row.target, row.name, row.step, primary[row.version_id])
        found.setdefault(row.version_id, {})[measure] = (row.value, row.n)
    return found


def _options(run: TrainingRun | None) -> dict[str, Any]:
    if run is None:
        return {}
    return {name: value for name, value in run.parameters.items() if name not in _NO_OPTIONS}


def _differing(options: Sequence[Mapping[str, Any]]) -> list[str]:
    """The names of the options that do not have the same value in all."""
    names = sorted({name for one in options for name in one})
    return [name for name in names if any(one.get(name) != options[0].get(name) for one in options)]


def _tasks(run: TrainingRun | None) -> dict[str, int]:
    counts = run.dataset_counts if run else {}
    return {split: counts[split] for split in ("train", "holdout") if split in counts}


def _seconds(run: TrainingRun | None) -> float | None:
    if run is None or run.started_at is None or run.ended_at is None:
        return None
    return (run.ended_at - run.started_at).total_seconds()

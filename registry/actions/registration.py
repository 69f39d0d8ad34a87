"""Registers versions: number, artifact, targets, metrics, outcomes and exemplars."""

import hashlib
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import timezone

from registry import artifacts
from registry.errors import Refused
from registry.json_sanitize import sanitize
from registry.metrics import mean, metric_info
from registry.models import (
    ConvertedArtifact,
    Exemplar,
    Metric,
    ModelVersion,
    Outcome,
    Target,
    TrainingRun,
)
from registry.models.run import RunState
from registry.training_result import MetricRow, TrainingResult
from registry.verified import ARTIFACT_FORMAT, ArtifactCorrupt

from . import base
from .runs import RunNotActive

log = logging.getLogger(__name__)
_BATCH = 1000
_LABEL_MAX = 500  # characters of a metric's label


class RunHasVersion(Refused):
    """A run makes one version."""

    code = "run_has_version"


def label_of(number: int, sha256: str) -> str:
    """The version string of a project's version with that artifact."""
    return f"v{number}-{sha256[:6]}"


def register(
    run: TrainingRun,
    result: TrainingResult,
    artifact: Path,
    *,
    number_hint: int | None = None,
    artifact_format: int = ARTIFACT_FORMAT,
) -> ModelVersion:
    """Put the artifact and write the version with its targets, metrics and outcomes.

    The pipeline and the label config's fingerprint are those that the run's parameters name.
    Numbers are max + 1, held unique by the database and tried again when another took
    the number. `number_hint` is what the run's EvaDB statements call the version. Raises
    RunNotActive if the run was ended meanwhile, so that a reaped run leaves no version, and
    ArtifactCorrupt if the artifact is not the file that the result is of.
    """
    content = artifact.read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    if sha256 != result.artifact_sha256:
        raise ArtifactCorrupt(f"The artifact of run {run.pk} is not the file that was tried.")
    metrics = [_metric(m) for m in result.metrics]
    while True:
        number = _next_number(run.project_id)
        version = _version(run, result, number, metrics)
        version.artifact = artifacts.key(run.project_id, version.label)
        version.artifact_bytes, _ = artifacts.put_bytes(version.artifact, content)
        version.artifact_format = artifact_format
        try:
            _insert(version, run, result, metrics)
        except IntegrityError as error:
            if "version_number_per_project" not in str(error):
                raise
            continue
        if number_hint not in (None, number):
            log.warning(
                "run %s called its version v%s; it is %s", run.pk, number_hint, version.label
            )
        return version


def add_converted(version: ModelVersion, content: bytes) -> ConvertedArtifact:
    """Keep the version's artifact in today's format, beside its own; the first one stays.

    A process has loaded it, so an earlier failure to load is over.
    """
    sha256 = hashlib.sha256(content).hexdigest()
    key = artifacts.converted_key(version, ARTIFACT_FORMAT, sha256)
    size, _ = artifacts.put_bytes(key, content)
    fields = {"artifact": key, "bytes": size, "sha256": sha256, "artifact_format": ARTIFACT_FORMAT}
    converted, _ = ConvertedArtifact.objects.get_or_create(version=version, defaults=fields)
    if version.load_failed_at:
        base.update_row(version, {"load_failed_at": None, "load_error": ""})
    return converted


def _next_number(project_id: int) -> int:
    newest = ModelVersion.objects.filter(project=project_id).aggregate(Max("number"))
    return (newest["number__max"] or 0) + 1


def _version(
    run: TrainingRun, result: TrainingResult, number: int, metrics: Sequence[Metric]
) -> ModelVersion:
    """The version's row, which is not stored and has no artifact yet."""
    return ModelVersion(
        project_id=run.project_id,
        number=number,
        label=label_of(number, result.artifact_sha256),
        run=run,
        pipeline=run.parameters["pipeline"],
        recipe=sanitize(result.recipe)[:64],
        fingerprint=run.parameters["fingerprint"],
        artifact_sha256=result.artifact_sha256,
        environment=sanitize(result.environment),
        extractor=sanitize(result.extractor)[:255],
        primary_metric=sanitize(result.primary_metric)[:64],
        **_primary(metrics, result),
    )


@transaction.atomic
def _insert(
    version: ModelVersion, run: TrainingRun, result: TrainingResult, metrics: Sequence[Metric]
) -> None:
    run = TrainingRun.objects.select_for_update(no_key=True).get(pk=run.pk)
    if run.state != RunState.RUNNING:
        raise RunNotActive(f"Run {run.pk} is {run.state}: it can make no version.")
    if ModelVersion.objects.filter(run=run).exists():
        raise RunHasVersion(f"Run {run.pk} has made its version already.")
    version.save(force_insert=True)
    Target.objects.bulk_create(_targets(version, result))
    _insert_metrics(version, metrics)
    Outcome.objects.bulk_create(_outcomes(version, result), batch_size=_BATCH)
    Exemplar.objects.bulk_create(_exemplars(version, result), batch_size=_BATCH)


def _targets(version: ModelVersion, result: TrainingResult) -> Iterator[Target]:
    for target in result.targets:
        yield Target(
            version=version,
            name=target.name,
            object_name=target.object_name,
            object_tag=target.object_tag,
            field=target.field,
            kind=target.kind,
            pipeline=target.pipeline or version.pipeline,
            labels=sanitize(target.labels),
            trained=target.trained,
            untrained_reason=sanitize(target.untrained_reason),
            decision=sanitize(target.decision),
        )


def _outcomes(version: ModelVersion, result: TrainingResult) -> Iterator[Outcome]:
    now = timezone.now()
    by_source = {
        Outcome.Source.HOLDOUT: result.outcomes,
        Outcome.Source.OUT_OF_FOLD: result.out_of_fold,
    }
    for source, rows in by_source.items():
        for row in rows:
            yield Outcome(
                version=version,
                task_id=row.task,
                target=row.target,
                source=source,
                predicted=sanitize(row.predicted),
                score=sanitize(row.score),
                human=sanitize(row.human),
                correct=row.correct,
                human_classes=sanitize(row.human_classes),
                predicted_classes=sanitize(row.predicted_classes),
                at=now,
            )


def _exemplars(version: ModelVersion, result: TrainingResult) -> Iterator[Exemplar]:
    for row in result.exemplars:
        yield Exemplar(
            version=version,
            task_id=row.task,
            target=row.target,
            label=_shortened(sanitize(row.label)),
            score=row.score,
        )


def _metric(row: MetricRow) -> Metric:
    return Metric(
        target=row.target,
        name=row.name,
        split=row.split,
        label=_shortened(sanitize(row.label)),
        step=row.step,
        value=sanitize(row.value),
        n=row.n,
    )


def _primary(metrics: Sequence[Metric], result: TrainingResult) -> dict[str, Any]:
    """The version's primary value, its interval, its n, and the mean of its targets' baselines."""
    whole = [m for m in metrics if m.is_whole]
    primary = next((m for m in whole if (m.target, m.name) == ("", "primary")), None)
    if primary is None:
        return {}
    baseline = metric_info(result.primary_metric).baseline
    low, high = result.primary_interval or (None, None)
    return {
        "primary_value": primary.value,
        "primary_low": low,
        "primary_high": high,
        "primary_n": primary.n,
        "primary_baseline": mean(m.value for m in whole if m.name == baseline),
    }


def _insert_metrics(version: ModelVersion, metrics: Sequence[Metric]) -> None:
    for metric in metrics:
        metric.version = version
    Metric.objects.bulk_create(metrics, batch_size=_BATCH)


def _shortened(label: str) -> str:
    """The label; a longer one than the column's is cut, and ends in the start of its SHA-256."""
    if len(label) <= _LABEL_MAX:
        return label
    return f"{label[: _LABEL_MAX - 18]}... {hashlib.sha256(label.encode()).hexdigest()[:14]}"


@transaction.atomic
def add_metrics(version: ModelVersion, metrics: Sequence[MetricRow]) -> None:
    """Add metrics that were computed later, such as the learning curve's."""
    _insert_metrics(version, [_metric(m) for m in metrics])

"""Actions on versions: register, add metrics, archive, note, tag; no action deletes a version."""

import hashlib
import logging
from collections.abc import Iterable, Sequence
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
    AuditEntry,
    ConvertedArtifact,
    Exemplar,
    Metric,
    ModelVersion,
    Outcome,
    Project,
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
# Which rows of a result have which source.
_SOURCES = {Outcome.Source.HOLDOUT: "outcomes", Outcome.Source.OUT_OF_FOLD: "out_of_fold"}
_LABEL_MAX = 500  # characters of a metric's label


class ChampionNotArchivable(Refused):
    """The champion cannot be archived."""

    code = "champion_not_archivable"


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
        label = label_of(number, sha256)
        key = artifacts.key(run.project_id, label)
        size, _ = artifacts.put_bytes(key, content)
        version = ModelVersion(
            project_id=run.project_id,
            number=number,
            label=label,
            run=run,
            pipeline=run.parameters["pipeline"],
            recipe=sanitize(result.recipe)[:64],
            fingerprint=run.parameters["fingerprint"],
            artifact=key,
            artifact_bytes=size,
            artifact_sha256=sha256,
            artifact_format=artifact_format,
            environment=sanitize(result.environment),
            extractor=sanitize(result.extractor)[:255],
            primary_metric=sanitize(result.primary_metric)[:64],
            **_primary(metrics, result),
        )
        try:
            _insert(version, run, result, metrics)
        except IntegrityError as error:
            if "version_number_per_project" not in str(error):
                raise
            continue
        if number_hint not in (None, number):
            log.warning("run %s called its version v%s; it is %s", run.pk, number_hint, label)
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
    Target.objects.bulk_create(
        Target(
            version=version,
            name=t.name,
            object_name=t.object_name,
            object_tag=t.object_tag,
            field=t.field,
            kind=t.kind,
            pipeline=t.pipeline or version.pipeline,
            labels=sanitize(t.labels),
            trained=t.trained,
            untrained_reason=sanitize(t.untrained_reason),
            decision=sanitize(t.decision),
        )
        for t in result.targets
    )
    _insert_metrics(version, metrics)
    now = timezone.now()
    Outcome.objects.bulk_create(
        (
            Outcome(
                version=version,
                task_id=o.task,
                target=o.target,
                source=source,
                predicted=sanitize(o.predicted),
                score=sanitize(o.score),
                human=sanitize(o.human),
                correct=o.correct,
                human_classes=sanitize(o.human_classes),
                predicted_classes=sanitize(o.predicted_classes),
                at=now,
            )
            for source, rows in _SOURCES.items()
            for o in getattr(result, rows)
        ),
        batch_size=_BATCH,
    )
    Exemplar.objects.bulk_create(
        (
            Exemplar(
                version=version,
                task_id=e.task,
                target=e.target,
                label=_shortened(sanitize(e.label)),
                score=e.score,
            )
            for e in result.exemplars
        ),
        batch_size=_BATCH,
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
    """The label; of a very long one the beginning, and what tells it from others that begin so."""
    if len(label) <= _LABEL_MAX:
        return label
    return f"{label[: _LABEL_MAX - 18]}... {hashlib.sha256(label.encode()).hexdigest()[:14]}"


@transaction.atomic
def add_metrics(version: ModelVersion, metrics: Sequence[MetricRow]) -> None:
    """Add metrics that were computed later, such as the learning curve's."""
    _insert_metrics(version, [_metric(m) for m in metrics])


@transaction.atomic
def archive(version: ModelVersion, *, actor: str, reason: str = "") -> AuditEntry:
    """Archive the version: it cannot be promoted, and no fall-back chooses it."""
    project = base.lock(version.project)
    if project.champion_id == version.pk:
        raise ChampionNotArchivable(f"{version.label} is the champion.")
    if not base.update_row(version, {"archived_at": timezone.now()}, archived_at__isnull=True):
        raise base.StateUnchanged(f"{version.label} is archived already.")
    return base.record("archive", actor=actor, project=project, version=version, reason=reason)


@transaction.atomic
def unarchive(version: ModelVersion, *, actor: str, reason: str = "") -> AuditEntry:
    """Take a version out of the archive."""
    project = base.lock(version.project)
    if not base.update_row(version, {"archived_at": None}, archived_at__isnull=False):
        raise base.StateUnchanged(f"{version.label} is not archived.")
    return base.record("unarchive", actor=actor, project=project, version=version, reason=reason)


def note(version: ModelVersion, text: str, *, actor: str) -> AuditEntry:
    """Replace the version's note; the audit entry has the previous one."""
    return _replace(version, "note", sanitize(text), verb="note", actor=actor)


def tag(version: ModelVersion, tags: Iterable[str], *, actor: str) -> AuditEntry:
    """Replace the version's tags; the audit entry has the previous ones."""
    found = sorted({sanitize(one) for one in tags})
    return _replace(version, "tags", found, verb="tag", actor=actor)


@transaction.atomic
def _replace(
    version: ModelVersion, field: str, value: str | list[str], *, verb: str, actor: str
) -> AuditEntry:
    """Replace a field that people write, and record both values as text."""
    project: Project = base.lock(version.project)
    before = ModelVersion.objects.values_list(field, flat=True).get(pk=version.pk)
    base.update_row(version, {field: value})
    return base.record(
        verb,
        actor=actor,
        project=project,
        version=version,
        reason=_as_text(value),
        numbers={"from": _as_text(before)},
    )


def _as_text(value: str | list[str]) -> str:
    return value if isinstance(value, str) else ", ".join(value)


def mark_load_failed(version: ModelVersion, error: str) -> None:
    """Record that the version cannot be fetched, verified or loaded; it cannot serve."""
    base.update_row(version, {"load_failed_at": timezone.now(), "load_error": sanitize(error)})


def clear_load_failure(version: ModelVersion, *, actor: str, reason: str = "") -> AuditEntry:
    """Let the version serve again, once its artifact is back as it was put.

    Raises ArtifactMissing or ArtifactCorrupt if it is not.
    """
    artifacts.fetch(version)
    with transaction.atomic():
        rows = ModelVersion.objects.filter(pk=version.pk, load_failed_at__isnull=False)
        if not rows.update(load_failed_at=None, load_error=""):
            raise base.StateUnchanged(f"{version.label} has no failed load.")
        entry = base.record(
            "clear_load_failure",
            actor=actor,
            project=version.project,
            version=version,
            reason=reason,
            numbers={"from": version.load_error},
        )
    version.load_failed_at, version.load_error = None, ""
    return entry

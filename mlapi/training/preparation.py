"""Prepares a run: brings the mirror up to date, and writes the job of its child process."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from django.conf import settings

from mlapi import pipelines
from mlapi.conversion.converting import convert
from mlapi.domain import ExtractorRef, Match
from mlapi.mirror.process_events import process_pending_events
from mlapi.mirror.sync import sync
from mlapi.run_folder.job import Champion, Stored, TrainingJob
from mlapi.training.heartbeat import RunLog
from registry import artifacts
from registry.errors import EvalsError
from registry.models import ModelVersion, TrainingRun

log = structlog.get_logger(__name__)


def bring_up_to_date(run: TrainingRun, run_log: RunLog) -> None:
    """Applies received events, and for Start Training syncs with Label Studio.

    A failure is written to the run's log; the run then learns from what the mirror has.
    """
    _try(run_log, "Applying received events", lambda: process_pending_events(run.project_id))
    if run.trigger != TrainingRun.Trigger.START_TRAINING:
        return
    report = _try(run_log, "Reading from Label Studio", lambda: sync(run.project, "Start Training"))
    if report is not None and report.error:
        run_log.write(f"Reading from Label Studio failed: {report.error['message']}")


def _try(run_log: RunLog, what: str, action: Callable[[], Any]) -> Any:
    try:
        return action()
    except EvalsError as error:
        run_log.write(f"{what} failed: {error.sentence}")
        log.warning("mirror not brought up to date", step=what, error=error.message)
    except Exception as error:
        run_log.write(f"{what} failed: {type(error).__name__}: {error}")
        log.exception("mirror not brought up to date", step=what)
    return None


def write_job(
    folder: Path,
    run: TrainingRun,
    matched: Match,
    number: int,
    champion: ModelVersion | None,
) -> TrainingJob:
    """Writes the run's job into its folder; the run's parameters take precedence over options."""
    pipeline = pipelines.get(matched.pipeline)
    # Options of another pipeline, which served an earlier label config, do not apply.
    stored = {k: v for k, v in run.project.options.items() if k in pipeline.option_names}
    options = pipeline.validate_options({**stored, **run.parameters.get("options", {})})
    plan = pipeline.plan(options, _History(run))
    job = TrainingJob(
        folder=folder,
        project=run.project_id,
        run=run.pk,
        number=number,
        pipeline=matched.pipeline,
        targets=matched.targets,
        options=options,
        parameters=plan.parameters,
        notes=plan.notes,
        seed=run.parameters.get("seed", options.get("seed", 0)),
        time_budget_s=run.parameters.get("time_budget_s")
        or options.get("time_budget_s")
        or settings.TRAIN_TIME_BUDGET_S,
        champion=_champion(champion, folder),
        extractor=extractor(matched.pipeline, options),
    )
    job.write()
    return job


def extractor(pipeline: str, options: dict[str, Any]) -> ExtractorRef | None:
    """The feature extractor by the option `features` and its full name; None for texts.

    Raises TrainingFailed where it is unavailable on this machine.
    """
    if not pipelines.get(pipeline).uses_images:
        return None
    from mlapi.images.extractors.loading import extractor as loaded

    return ExtractorRef(options["features"], loaded(options["features"]).name)


def extractor_of(version: ModelVersion) -> ExtractorRef | None:
    """The feature extractor that a version was trained with; None for texts."""
    if not version.extractor:
        return None
    options = version.run.parameters.get("options", {}) if version.run else {}
    return ExtractorRef(options.get("features", "opencv"), version.extractor)


def _champion(version: ModelVersion | None, folder: Path) -> Champion | None:
    """The champion of the job, with its artifact fetched."""
    if version is None:
        return None
    try:
        convert(version)
        key, sha256 = artifacts.loaded_from(version)
        path = artifacts.fetch_file(key, sha256)
    except EvalsError:
        log.exception("the champion's artifact is unavailable", version=version.label)
        path, sha256 = folder / "champion-is-missing", version.artifact_sha256
    return Champion(
        label=version.label,
        number=version.number,
        pipeline=version.pipeline,
        artifact=Stored(path, sha256),
        extractor=extractor_of(version),
    )


@dataclass(frozen=True)
class _History:
    """The run and its project's earlier ones, read lazily from the database."""

    run: TrainingRun

    @property
    def is_start_training(self) -> bool:
        return self.run.trigger == TrainingRun.Trigger.START_TRAINING

    @property
    def has_version(self) -> bool:
        return self.run.project.versions.exists()

    def candidates(self, most: int) -> Iterable[tuple[int, list[dict[str, Any]]]]:
        earlier = self.run.project.runs.filter(pk__lt=self.run.pk).exclude(candidates=[])
        return earlier.values_list("pk", "candidates")[:most]

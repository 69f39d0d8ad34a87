"""Prepares a run: brings the mirror up to date, and writes the job of its child process."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from django.conf import settings
from django.db.models import Exists, OuterRef

from mlapi import pipelines
from mlapi.child_process.supervise import TimeLimit
from mlapi.conversion.converting import convert
from mlapi.domain import Match, TargetSpec, UnknownOption
from mlapi.inputs.base import Input, Preparation
from mlapi.labelstudio.credentials import candidates
from mlapi.labelstudio.interruptible import Checkpoint
from mlapi.labelstudio.label_config import parse
from mlapi.mirror.process_events import process_pending_events
from mlapi.mirror.reading import SyncReport
from mlapi.mirror.sync import sync
from mlapi.pipelines import PIPELINES, version_parts
from mlapi.pipelines.control_options import CONTROLS, overridden
from mlapi.run_folder.job import Champion, Stored, TrainingJob
from mlapi.served_names import served_names
from mlapi.training import policy
from mlapi.training.heartbeat import Cancelled, RunLog, RunTakenOver
from registry import artifacts
from registry.actions import projects
from registry.errors import EvalsError
from registry.formatting import reading_text, unreadable_tasks_text
from registry.models import AuditEntry, ModelVersion, Project, TrainingRun
from registry.models.run import RunKind, RunState

log = structlog.get_logger(__name__)


# The steps of a connection check without which no task can be read.
_READING_STEPS = frozenset({"reach", "token", "project", "export"})
# So long a run waits for another process that reads its project.
_BUSY_S, _POLL_S = 30.0, 0.2


class LabelsUnread(EvalsError):
    """The labels do not suffice, and those that Label Studio has could not be read."""

    code = "labels_unread"

    @classmethod
    def instead_of(cls, failure: EvalsError, unread: EvalsError) -> "LabelsUnread":
        """Of a run that failed for want of labels after a reading that failed: with its cause."""
        cause = unread.message.rstrip(".")
        message = f"Label Studio could not be read: {cause}. {failure.message}"
        error = cls(message, hint=unread.hint or None)
        error.code = unread.code if unread.code != EvalsError.code else cls.code
        return error


def bring_up_to_date(
    run: TrainingRun, run_log: RunLog, checkpoint: Checkpoint
) -> EvalsError | None:
    """Applies the received events, and syncs for Start Training and if the mirror is incomplete.

    A failure is written to the run's log, and returned where it left labels unread; the run then
    learns from the mirror as it is. Raises what `checkpoint` does, which is called all the while.
    """
    _try(
        run_log,
        "Applying received events",
        lambda: process_pending_events(run.project_id, checkpoint),
    )
    project = run.project
    project.refresh_from_db()
    incomplete = project.data_outdated or (project.synced_at is None and bool(candidates(project)))
    is_start = run.trigger == TrainingRun.Trigger.START_TRAINING
    if project.is_being_read and policy.is_enough_for_now(project):
        unread = None  # the rest comes in meanwhile
    elif is_start or incomplete:
        unread = _sync(run, run_log, checkpoint)
    else:
        unread = _failed_reading(project)
    project.refresh_from_db()
    if so_far := reading_text(project.read_so_far):
        run_log.write(so_far)
    if unreadable := unreadable_tasks_text(project.unreadable_tasks):
        run_log.write(f"{unreadable}: nothing is learned from data that could not be read.")
    return unread


def _failed_reading(project: Project) -> EvalsError | None:
    """Why the last sync could not read; None if it could, whatever else of the connection fails."""
    failed = project.connection.get("failed")
    steps = (s for s in project.connection.get("steps") or [] if s.get("step") == failed)
    step = next(steps, None) if failed in _READING_STEPS else None
    return _unread(step["detail"], step.get("cure"), step.get("code")) if step else None


def _unread(message: str, hint: str | None, code: str | None) -> EvalsError:
    error = EvalsError(message, hint=hint or "")
    error.code = code or error.code
    return error


def _sync(run: TrainingRun, run_log: RunLog, checkpoint: Checkpoint) -> EvalsError | None:
    what = "Reading from Label Studio"
    report = _try(run_log, what, lambda: _read(run, checkpoint))
    projects.requeue_syncs()
    if report is None:
        return EvalsError("The reading failed; the run's log has the cause.")
    if report.is_busy:
        run_log.write("Label Studio is being read by another process.")
        hint = "Start the training again when it has been read."
        return EvalsError("It is being read by another process", hint=hint)
    if report.is_interrupted:
        projects.request_sync(run.project, "the rest of a first reading")
    if report.export_error:
        run_log.write(f"Its export failed, so its pages were read: {report.export_error}")
    if report.error is None:
        return None
    run_log.write(f"{what} failed: {report.error['message']}")
    return _unread(report.error["message"], report.error["hint"], report.error["code"])


def _read(run: TrainingRun, checkpoint: Checkpoint) -> SyncReport:
    """Reads the project; a first time until that is enough for a first version.

    Waits a while for another process that reads it.
    """
    project, until = run.project, time.monotonic() + _BUSY_S
    while True:
        report = sync(
            project,
            f"run {run.pk}",
            checkpoint=checkpoint,
            enough=lambda: policy.is_enough_for_now(project),
        )
        if not report.is_busy or time.monotonic() > until:
            return report
        checkpoint()
        time.sleep(_POLL_S)


def _try(run_log: RunLog, what: str, action: Callable[[], Any]) -> Any:
    try:
        return action()
    except (Cancelled, RunTakenOver, TimeLimit):
        raise
    except EvalsError as error:
        run_log.write(f"{what} failed: {error.sentence}")
        log.warning("mirror not brought up to date", step=what, error=error.message)
    except Exception as error:
        run_log.write(f"{what} failed: {type(error).__name__}: {error}")
        log.exception("mirror not brought up to date", step=what)
    return None


def write_jobs(
    folder: Path,
    run: TrainingRun,
    matched: Match,
    number: int,
    champion: ModelVersion | None,
) -> tuple[TrainingJob, ...]:
    """Writes the job of each part of the version into the run's folder; they share the run's time.

    The run's parameters take precedence over options.
    """
    beside = _champion(champion, folder, run.project, matched)
    parts = version_parts.of(matched, _options_of(run))
    jobs = []
    for number_of_part, part in enumerate(parts, start=1):
        pipeline = pipelines.get(part.pipeline)
        plan = pipeline.plan(part.targets, part.options, _History(run))
        budget = (
            run.parameters.get("time_budget_s")
            or part.options.get("time_budget_s")
            or settings.TRAIN_TIME_BUDGET_S
        )
        job = TrainingJob(
            folder=folder,
            project=run.project_id,
            run=run.pk,
            number=number,
            pipeline=part.pipeline,
            targets=part.targets,
            options=part.options,
            parameters=plan.parameters,
            notes=plan.notes,
            seed=run.parameters.get("seed", part.options.get("seed", 0)),
            time_budget_s=budget / len(parts),
            time_limit_s=settings.TRAIN_TIME_LIMIT_S / len(parts),
            champion=beside,
            input=pipeline.input.chosen(part.options).settings,
            learns_from=pipeline.learns_from,
            part=number_of_part,
            parts=len(parts),
            part_name=part.name,
        )
        job.write()
        jobs.append(job)
    return tuple(jobs)


def _options_of(run: TrainingRun) -> dict[str, dict[str, Any]]:
    """By control its options, of which those that the run was given come first."""
    given = run.parameters.get("options", {})
    known = {name for pipeline in PIPELINES.values() for name in pipeline.options}
    if unknown := sorted(set(given) - known - {CONTROLS}):
        raise UnknownOption(
            f"There is no option {unknown[0]!r}.", hint=f"Known: {', '.join(sorted(known))}."
        )
    # Which pipeline fills a control is what the project says today.
    choices = {pipeline.chosen_by for pipeline in PIPELINES.values()}
    options = overridden(run.project.options, given, choices)
    return pipelines.options_of(parse(run.project.label_config), options)


def inputs_of(version: ModelVersion) -> dict[str, Input]:
    """By pipeline the inputs of a version, with the settings that it was trained with."""
    options = version.run.parameters.get("options", {}) if version.run else {}
    return {
        pipeline.name: pipeline.input.recorded(version.extractor, options)
        for pipeline in pipelines.named(version.pipeline)
    }


def of_inputs(
    project: Project, jobs: Sequence[TrainingJob], rows: Sequence[dict[str, Any]]
) -> list[Preparation]:
    """What brings into the jobs' folder what their rows lack, for the champion's inputs too."""
    inputs: dict[str, list[Input]] = {}
    targets: dict[str, list[TargetSpec]] = {}
    for job in jobs:
        read = pipelines.get(job.pipeline).input
        inputs.setdefault(read.medium, []).append(read.of(job.input))
        targets.setdefault(read.medium, []).extend(job.targets)
    for job in jobs:
        read = pipelines.get(job.pipeline).input
        inputs[read.medium].append(read.of(job.champion_input))
    made = (
        found[0].preparation(project, jobs[0].folder, found, targets[medium], rows)
        for medium, found in inputs.items()
    )
    return [preparation for preparation in made if preparation is not None]


def _champion(
    version: ModelVersion | None, folder: Path, project: Project, matched: Match
) -> Champion | None:
    """The champion of the job, with its artifact fetched."""
    if version is None:
        return None
    try:
        convert(version)
        key, sha256 = artifacts.loaded_from(version)
        path = artifacts.fetch_file(key, sha256)
    except Exception:
        log.exception("the champion's artifact is unavailable", version=version.label)
        path, sha256 = folder / "champion-is-missing", version.artifact_sha256
    return Champion(
        label=version.label,
        number=version.number,
        pipeline=version.pipeline,
        artifact=Stored(path, sha256),
        inputs={name: read.settings for name, read in inputs_of(version).items()},
        names={
            control: dict(names)
            for control, names in served_names(project, version, matched.targets).names.items()
        },
    )


@dataclass(frozen=True)
class _History:
    """The run and its project's earlier ones, read lazily from the database."""

    run: TrainingRun

    @property
    def is_challenger(self) -> bool:
        return self.run.kind == RunKind.CHALLENGER

    def examples(self, target: str) -> int:
        counts = self.run.dataset_counts.get("targets", {})
        return counts.get(target, {}).get("train", 0)

    def selections(self, most: int) -> Iterable[list[dict[str, Any]]]:
        fingerprint = self.run.project.fingerprint
        earlier = self.run.project.runs.filter(kind=RunKind.TRAINING, pk__lt=self.run.pk)
        alike = earlier.filter(parameters__fingerprint=fingerprint).exclude(candidates=[])
        return alike.values_list("candidates", flat=True)[:most]

    def challengers(self) -> Iterable[tuple[int, bool]]:
        ended = [RunState.SUCCEEDED, RunState.FAILED]
        promotion = AuditEntry.objects.filter(run=OuterRef("pk"), verb="promote")
        earlier = self.run.project.runs.filter(kind=RunKind.CHALLENGER, pk__lt=self.run.pk)
        again = TrainingRun.objects.filter(retry_of=OuterRef("pk"))
        last = earlier.filter(~Exists(again), state__in=ended)
        return last.annotate(was_promoted=Exists(promotion)).values_list("pk", "was_promoted")

    def candidates(self, most: int) -> Iterable[tuple[int, list[dict[str, Any]]]]:
        earlier = self.run.project.runs.filter(pk__lt=self.run.pk).exclude(candidates=[])
        return earlier.values_list("pk", "candidates")[:most]

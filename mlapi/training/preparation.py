"""Writes the jobs of a run into its folder, and says what prepares their inputs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from django.conf import settings
from django.db.models import Exists, OuterRef

from mlapi import pipelines
from mlapi.conversion.converting import convert
from mlapi.domain import Match, Stored, TargetSpec, UnknownOption
from mlapi.inputs.base import Input, Preparation
from mlapi.labelstudio.label_config import parse
from mlapi.pipelines import PIPELINES, version_parts
from mlapi.pipelines.control_options import CONTROLS, overridden
from mlapi.run_folder.job import Champion, TrainingJob
from mlapi.served_names import served_names
from mlapi.training.policy_inputs import policy_of
from registry import artifacts
from registry.models import AuditEntry, ModelVersion, Outcome, Project, TrainingRun
from registry.models.run import RunKind, RunState

log = structlog.get_logger(__name__)


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
            input=pipeline.input.for_options(part.options).settings,
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
    run_options = run.parameters.get("options", {})
    known = {name for pipeline in PIPELINES.values() for name in pipeline.options}
    if unknown := sorted(set(run_options) - known - {CONTROLS}):
        raise UnknownOption(
            f"There is no option {unknown[0]!r}.", hint=f"Known: {', '.join(sorted(known))}."
        )
    # Which pipeline fills a control is what the project says today.
    choices = {pipeline.chosen_by for pipeline in PIPELINES.values()}
    options = overridden(run.project.options, run_options, choices)
    return pipelines.options_of(parse(run.project.label_config), options)


def inputs_of(version: ModelVersion) -> dict[str, Input]:
    """By pipeline the inputs of a version, with the settings that it was trained with."""
    options = version.run.parameters.get("options", {}) if version.run else {}
    return {
        pipeline.name: pipeline.input.of_version(version.extractor, options)
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
        inputs.setdefault(read.medium, []).append(read.with_settings(job.input))
        targets.setdefault(read.medium, []).extend(job.targets)
    for job in jobs:
        read = pipelines.get(job.pipeline).input
        inputs[read.medium].append(read.with_settings(job.champion_input))
    may_leave = _is_the_first_of_two(project, jobs)
    made = (
        found[0].preparation(project, jobs[0].folder, found, targets[medium], rows, may_leave)
        for medium, found in inputs.items()
    )
    return [preparation for preparation in made if preparation is not None]


def _is_the_first_of_two(project: Project, jobs: Sequence[TrainingJob]) -> bool:
    """Whether the run is for a first version, and the policy starts another one right after it.

    Not where images are learned beside texts: the next run would take as long for them again.
    """
    if not all(pipelines.get(job.pipeline).input.in_data for job in jobs):
        return False
    trains_by_itself = policy_of(project)["enabled"] and project.archived_at is None
    return trains_by_itself and not project.versions.exists()


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
        out_of_fold=_out_of_fold(version),
        names={
            control: dict(names)
            for control, names in served_names(project, version, matched.targets).names.items()
        },
    )


def _out_of_fold(version: ModelVersion) -> dict[str, dict[str, Any]]:
    """By control and task the version's recorded predictions for its training tasks."""
    recorded = version.outcomes.filter(source=Outcome.Source.OUT_OF_FOLD)
    found: dict[str, dict[str, Any]] = {}
    for target, task, predicted in recorded.values_list("target", "task", "predicted"):
        found.setdefault(target, {})[str(task)] = predicted
    return found


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

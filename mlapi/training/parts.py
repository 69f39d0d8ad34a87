"""Trains the parts of a run one after another, in its child process, as one version."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

from mlapi import pipelines
from mlapi.domain import Stored, TrainingFailed
from mlapi.evaluation.comparison import compare, own_interval
from mlapi.evaluation.evaluate import optional
from mlapi.evaluation.joined import TrainedPart, join
from mlapi.pipelines import artifact
from mlapi.pipelines.models import load_model
from mlapi.pipelines.part_names import pipeline_of
from mlapi.run_folder.job import Chosen, ChosenElsewhere, TrainingJob
from mlapi.run_folder.progress import ProgressWriter
from registry.training_result import Comparison, LearningCurve, TrainingResult
from registry.verified import read_verified


def train(jobs: Sequence[TrainingJob], progress: ProgressWriter) -> TrainingResult:
    """Train the jobs of a run, and write `artifact.bin` of all that could be trained.

    A part that cannot be trained leaves its targets untrained, with its reason. Raises
    TrainingFailed, that of the first one, where none can.
    """
    champions = _champion_parts(jobs[0])
    if len(jobs) == 1:
        only = pipelines.get(jobs[0].pipeline).train(_beside(jobs[0], champions), progress)
        result = _with_interval(only.result, jobs[0], [only], progress)
        return replace(result, comparison=_comparison(jobs[0], [only], progress))
    trained, failures = _train_each(jobs, champions, progress)
    result = _joined(jobs, trained, failures)
    result = _with_interval(result, jobs[0], [*trained.values()], progress)
    lost = [job for job in jobs if job.name in failures and _is_filled(job, champions)]
    if lost:
        names = ", ".join(job.name for job in lost)
        progress.log(f"The champion is not compared: it has learned {names}, the new version not.")
        return result
    return replace(result, comparison=_comparison(jobs[0], [*trained.values()], progress))


def _train_each(
    jobs: Sequence[TrainingJob], champions: Mapping[str, Stored], progress: ProgressWriter
) -> tuple[dict[str, TrainedPart], dict[str, TrainingFailed]]:
    """By part what was trained, and why others were not.

    Raises TrainingFailed, that of the first one, where none was.
    """
    trained: dict[str, TrainedPart] = {}
    failures: dict[str, TrainingFailed] = {}
    new: Chosen = {}
    champion: Chosen = {}
    for i, job in enumerate(_in_order(jobs)):
        part = progress.part(i / len(jobs), (i + 1) / len(jobs), job.name)
        after = replace(_beside(job, champions), elsewhere=ChosenElsewhere(new, champion))
        try:
            found = pipelines.get(job.pipeline).train(after, part)
            trained[job.name] = found
            new = {**new, **found.chosen.new}
            champion = {**champion, **found.chosen.champion}
        except TrainingFailed as failure:
            failures[job.name] = failure
            progress.log(f"{job.name} is not trained. {failure.message}")
    if not trained:
        raise next(iter(failures.values()))
    return trained, failures


def _in_order(jobs: Sequence[TrainingJob]) -> list[TrainingJob]:
    """Each part after those whose labels show one of its controls, if none waits for itself."""
    fills = {target.name: job.part for job in jobs for target in job.targets}
    of_part = {job.part: job for job in jobs}
    needed = {
        job.part: {
            fills[name]
            for target in job.targets
            for condition in target.conditions
            for name in (condition.controls or fills)
            if fills.get(name, job.part) != job.part
        }
        for job in jobs
    }
    found: list[TrainingJob] = []
    while needed:
        done = {job.part for job in found}
        free = [part for part, others in needed.items() if others <= done]
        part = (free or list(needed))[0]
        del needed[part]
        found.append(of_part[part])
    return found


def _joined(
    jobs: Sequence[TrainingJob],
    trained: Mapping[str, TrainedPart],
    failures: Mapping[str, TrainingFailed],
) -> TrainingResult:
    """The result of all parts, with their artifacts joined into the version's."""
    parts = {job.name: job.artifact.read_bytes() for job in jobs if job.name in trained}
    sha256 = artifact.write_packed(jobs[0].folder / "artifact.bin", artifact.join(parts))
    untrained = [
        target.row(failures[job.name].message)
        for job in jobs
        if job.name in failures
        for target in job.targets
    ]
    return join([part.result for part in trained.values()], untrained, sha256)


def _with_interval(
    result: TrainingResult,
    job: TrainingJob,
    trained: Sequence[TrainedPart],
    progress: ProgressWriter,
) -> TrainingResult:
    """The result with the interval of its primary metric over the targets of all parts."""
    own = [target for part in trained for target in part.own]
    found = optional("The interval", lambda: own_interval(own, job.seed), None, progress)
    return replace(result, primary_interval=found)


def _comparison(
    job: TrainingJob, trained: Sequence[TrainedPart], progress: ProgressWriter
) -> Comparison | None:
    """Of all targets; None without a champion, and where it could not be evaluated by a part."""
    paired = [part.paired for part in trained if part.paired is not None]
    if job.champion is None or len(paired) < len(trained):
        return None
    what = f"The champion {job.champion.label}"
    return optional(what, lambda: compare(paired, job.seed), None, progress)


def _is_filled(job: TrainingJob, champions: Mapping[str, Stored]) -> bool:
    """Whether the champion has learned a target of the job by the same pipeline."""
    own = [name for name in champions if pipeline_of(name) == job.pipeline]
    return any(_has_a_target_of(job, champions[name]) for name in own)


def learning_curve(
    jobs: Sequence[TrainingJob], progress: ProgressWriter, result: TrainingResult
) -> LearningCurve:
    """The learning curves of the version's parts."""
    if len(jobs) == 1:
        return pipelines.get(jobs[0].pipeline).learning_curve(jobs[0], progress, result)
    content = read_verified(jobs[0].folder / "artifact.bin", result.artifact_sha256)
    learned = {target.name for target in result.targets if target.trained}
    trained = [job for job in jobs if learned & {target.name for target in job.targets}]
    parts = artifact.split(content)
    if len(trained) == 1:  # an artifact of one part does not name it
        parts = dict.fromkeys([trained[0].name], content)
    metrics = []
    for job in trained:
        sha256 = hashlib.sha256(parts[job.name]).hexdigest()
        own = replace(result, artifact_sha256=sha256)
        metrics += pipelines.get(job.pipeline).learning_curve(job, progress, own).metrics
    return LearningCurve(metrics)


def _champion_parts(job: TrainingJob) -> dict[str, Stored]:
    """By name the parts of the champion's artifact, each as a file of its own."""
    if job.champion is None:
        return {}
    stored = job.champion.artifact
    try:
        parts = artifact.split(read_verified(stored.path, stored.sha256))
    except Exception:  # noqa: BLE001 - whoever loads it says why it does not load
        return {job.champion.pipeline: stored}
    if len(parts) == 1:
        return dict.fromkeys(parts, stored)
    found = {}
    for number, (name, content) in enumerate(parts.items(), start=1):
        path = job.folder / f"champion_{number}.bin"
        found[name] = Stored(path, artifact.write_packed(path, content))
    return found


def _beside(job: TrainingJob, champions: Mapping[str, Stored]) -> TrainingJob:
    """The job with the champion's part of its pipeline; of another one where it has none.

    Of several parts of the pipeline it is the one with a target of the job, or all of those as one.
    """
    own = [name for name in champions if pipeline_of(name) == job.pipeline]
    if job.champion is None or not own:
        return job
    parts = [champions[name] for name in own]
    if len(parts) > 1:
        parts = [part for part in parts if _has_a_target_of(job, part)] or parts[:1]
    part = parts[0] if len(parts) == 1 else _merged(job, parts)
    return replace(job, champion=replace(job.champion, pipeline=job.pipeline, artifact=part))


def _merged(job: TrainingJob, parts: Sequence[Stored]) -> Stored:
    """Parts of the job's pipeline, which were trained with other options than today's, as one."""
    models = [load_model(str(part.path), part.sha256) for part in parts]
    path = job.folder / f"champion_merged_{job.part}.bin"
    return artifact.save(path, job.pipeline, pipelines.get(job.pipeline).merged(models))


def _has_a_target_of(job: TrainingJob, part: Stored) -> bool:
    """Whether the champion's part of the job's pipeline has learned any of its targets."""
    try:
        model = load_model(str(part.path), part.sha256)
        loaded = pipelines.get(job.pipeline).predictor(model)
    except Exception:  # noqa: BLE001 - it does not load, so it fills nothing
        return False
    return not {t.name for t in loaded.targets}.isdisjoint(t.name for t in job.targets)

"""Trains the parts of a run one after another, in its child process, as one version."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

from mlapi import pipelines
from mlapi.domain import TrainingFailed
from mlapi.evaluation.joined import join
from mlapi.pipelines import artifact
from mlapi.pipelines.part_names import pipeline_of
from mlapi.run_folder.job import Stored, TrainingJob
from mlapi.run_folder.progress import ProgressWriter
from registry.training_result import LearningCurve, TargetRow, TrainingResult
from registry.verified import read_verified


def train(jobs: Sequence[TrainingJob], progress: ProgressWriter) -> TrainingResult:
    """Train the jobs of a run, and write `artifact.bin` of all that could be trained.

    A part that cannot be trained leaves its targets untrained, with its reason. Raises
    TrainingFailed, that of the first one, where none can.
    """
    champions = _champion_parts(jobs[0])
    if len(jobs) == 1:
        return pipelines.get(jobs[0].pipeline).train(_beside(jobs[0], champions), progress)
    results: dict[str, TrainingResult] = {}
    untrained: list[TargetRow] = []
    failures: list[TrainingFailed] = []
    for i, job in enumerate(jobs):
        part = progress.part(i / len(jobs), (i + 1) / len(jobs))
        try:
            trained = pipelines.get(job.pipeline).train(_beside(job, champions), part)
        except TrainingFailed as failure:
            failures.append(failure)
            progress.log(f"{job.name} is not trained. {failure.message}")
            untrained += [target.row(failure.message) for target in job.targets]
        else:
            results[job.name] = trained
    if not results:
        raise failures[0]
    parts = {job.name: job.artifact.read_bytes() for job in jobs if job.name in results}
    path = jobs[0].folder / "artifact.bin"
    return join([*results.values()], untrained, artifact.write_packed(path, artifact.join(parts)))


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

    Of several parts of the pipeline it is the first with a target of the job.
    """
    own = [name for name in champions if pipeline_of(name) == job.pipeline]
    if job.champion is None or not own:
        return job
    name = own[0] if len(own) == 1 else _with_a_target_of(job, own, champions)
    part = champions[name]
    return replace(job, champion=replace(job.champion, pipeline=job.pipeline, artifact=part))


def _with_a_target_of(
    job: TrainingJob, names: Sequence[str], champions: Mapping[str, Stored]
) -> str:
    controls = {target.name for target in job.targets}
    for name in names:
        try:
            loaded = pipelines.get(job.pipeline).load(champions[name].path.read_bytes())
        except Exception:  # noqa: BLE001, S112 - what does not load is compared with nothing
            continue
        if controls & {target.name for target in loaded.targets}:
            return name
    return names[0]

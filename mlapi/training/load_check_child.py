"""Checks an artifact in a fresh process: it must load and predict ten training rows.

`python -m mlapi.training.load_check_child <folder> <artifact> <sha256>`: exit status 0, or 1 with
`error.json` in the folder.
"""

import argparse
import itertools
import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mlapi import pipelines
from mlapi.child_process.error_file import carry_out
from mlapi.child_process.processes import begin
from mlapi.domain import InputError, Prediction
from mlapi.images.features import InputSource
from mlapi.inputs import Input
from mlapi.pipelines.artifact import split
from mlapi.pipelines.base import Pipeline
from mlapi.pipelines.part_names import pipeline_of
from mlapi.pipelines.predictor import Predictor
from mlapi.run_folder.job import TrainingJob
from registry.verified import read_verified

ROWS = 10


class LoadCheckFailed(Exception):
    """A version that loads predicts wrongly."""


def check_artifact(folder: Path, artifact: Path, sha256: str) -> None:
    """Raises what loading raises, or LoadCheckFailed; verifies the hash before loading.

    Each part of the version must load and predict.
    """
    jobs = TrainingJob.read_all(folder)
    for name, part in split(read_verified(artifact, sha256)).items():
        pipeline = pipelines.get(pipeline_of(name))
        predictor = pipeline.load(part)
        job = _job_of(jobs, pipeline, predictor)
        source = pipeline.input.source_in(folder)
        read = pipeline.input.with_settings(job.input)
        readable = (
            data for data in _training_data(job, pipeline) if _has_input(data, job, read, source)
        )
        rows = list(itertools.islice(readable, ROWS))
        _check(predictor, rows, job, source, may_abstain=pipeline.may_abstain)


def _job_of(jobs: Sequence[TrainingJob], pipeline: Pipeline, predictor: Predictor) -> TrainingJob:
    """The job of the part, with no other targets than the part has."""
    trained = {target.name for target in predictor.targets}
    own = [job for job in jobs if job.pipeline == pipeline.name]
    job = next((j for j in own if trained & {target.name for target in j.targets}), own[0])
    targets = tuple(target for target in job.targets if target.name in trained)
    return replace(job, targets=targets or job.targets)


def _training_data(job: TrainingJob, pipeline: Pipeline) -> Iterator[dict[str, Any]]:
    """The data of the rows that the version may have been trained on."""
    for row in job.rows:
        labelled = row["split"] == "train" and row.get("labels")
        if labelled or (pipeline.learns_from == "all" and row["split"] != "holdout"):
            yield row["data"]


def _has_input(
    data: dict[str, Any], job: TrainingJob, read: Input, source: InputSource | None
) -> bool:
    """Whether a model can read any target of the task."""
    values = (read.read_all([data], target, source)[0] for target in job.targets)
    return any(not isinstance(value, InputError) for value in values)


def _check(
    predictor: Predictor,
    rows: list[dict[str, Any]],
    job: TrainingJob,
    source: InputSource | None,
    *,
    may_abstain: bool,
) -> None:
    predictions = predictor.predict(rows, job.targets, source)
    if len(predictions) != len(rows):
        raise LoadCheckFailed(f"It gave {len(predictions)} answers for {len(rows)} tasks.")
    answers = [a for row in predictions for a in row.values() if isinstance(a, Prediction)]
    if rows and not answers and not may_abstain:
        raise LoadCheckFailed(f"It had no answer for any of {len(rows)} training tasks.")
    if not all(math.isfinite(a.score) and 0 <= a.score <= 1 for a in answers):
        raise LoadCheckFailed("It gave a score outside 0..1.")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("artifact", type=Path)
    parser.add_argument("sha256", help="that the artifact's content must have")
    args = parser.parse_args(arguments)
    folder = args.folder.resolve()
    begin()
    artifact = args.artifact.resolve()
    return carry_out(lambda: check_artifact(folder, artifact, args.sha256), folder, "load_failed")


if __name__ == "__main__":
    sys.exit(main())

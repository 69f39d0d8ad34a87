"""Checks in a fresh process that a stored version can be fetched, verified, loaded and used."""

from pathlib import Path

import structlog
from django.db.models import QuerySet
from django.forms.models import model_to_dict

from mlapi.child_process import folder as folders
from mlapi.child_process import supervise
from mlapi.child_process.supervise import (
    NO_FAULT_OF_THE_ARTIFACT,
    Limits,
    again_if_killed,
    program,
)
from mlapi.conversion.converting import convert
from mlapi.domain import Match, TargetSpec
from mlapi.run_folder.dataset import DatasetFile
from mlapi.run_folder.job import TrainingJob
from mlapi.training import preparation
from mlapi.training.load_check_child import ROWS
from registry import artifacts
from registry.errors import EvalsError
from registry.models import ModelVersion, Task

log = structlog.get_logger(__name__)

_SECONDS = 300


def loads_in_a_fresh_process(version: ModelVersion) -> bool:
    """Whether the version could serve; a failure is logged with its reason.

    In a process of its own, because an artifact that does not load may crash its process. Raises
    ChildKilled where that process was killed from outside twice, DiskFull, and FolderInvalid: these
    say nothing of the version.
    """
    with folders.temporary_folder("load-check") as folder:
        try:
            convert(version)
            key, sha256 = artifacts.loaded_from(version)
            artifact = artifacts.fetch_file(key, sha256)
            _write_job(version, folder)
            check = program("mlapi.training.load_check_child", str(folder), str(artifact), sha256)
            limits = Limits.from_settings(_SECONDS)
            again_if_killed(lambda: supervise.supervise(check, folder, limits))
        except NO_FAULT_OF_THE_ARTIFACT:
            raise
        except EvalsError as error:
            output = supervise.output_tail(folder).strip()
            log.error("does not load", version=version.label, error=error.message, output=output)
            return False
    return True


def _sample(version: ModelVersion) -> QuerySet[Task]:
    """Labelled tasks; where inputs are not in their data, those whose inputs are stored."""
    live = Task.objects.filter(project=version.project_id, deleted_at__isnull=True)
    for read in preparation.inputs_of(version).values():
        stored = read.tasks_with_stored_input(version.project_id, 10 * ROWS)
        if stored is not None:
            return live.filter(pk__in=stored).order_by("pk")[: 10 * ROWS]
    return live.filter(split="train").exclude(labels={}).order_by("pk")[:ROWS]


def _write_job(version: ModelVersion, folder: Path) -> None:
    """Writes the version as it was trained, and labelled tasks to predict."""
    targets = tuple(TargetSpec.from_dict(model_to_dict(t)) for t in version.targets.all())
    match = Match(targets)
    names = match.pipelines or (version.pipeline,)
    inputs = preparation.inputs_of(version)
    jobs = [
        TrainingJob(
            folder=folder,
            project=version.project_id,
            run=version.run_id or 0,
            number=version.number,
            pipeline=name,
            targets=match.of(name),
            input=inputs[name].settings,
            part=part,
            parts=len(names),
        )
        for part, name in enumerate(names, start=1)
    ]
    for job in jobs:
        job.write()
    rows = [
        {"id": task.pk, "data": task.data, "labels": task.labels, "split": task.split}
        for task in _sample(version)
    ]
    with DatasetFile(folder).writing() as write_row:
        for row in rows:
            write_row(row)
    for missing in preparation.of_inputs(version.project, jobs, rows):
        missing.prepare_stored()

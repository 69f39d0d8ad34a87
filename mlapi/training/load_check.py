"""Checks in a fresh process that a stored version can be fetched, verified, loaded and used."""

from pathlib import Path

import orjson
import structlog
from django.db.models import QuerySet
from django.forms.models import model_to_dict

from mlapi import pipelines
from mlapi.child_process import folder as folders
from mlapi.child_process import supervise
from mlapi.child_process.supervise import ChildKilled, Limits, again_if_killed, program
from mlapi.conversion.converting import convert
from mlapi.domain import Match, TargetSpec
from mlapi.images.preparation import ImagePreparation
from mlapi.run_folder.job import TrainingJob
from mlapi.training import preparation
from mlapi.training.load_check_child import ROWS
from registry import artifacts
from registry.errors import EvalsError
from registry.models import Feature, ModelVersion, Task

log = structlog.get_logger(__name__)

_SECONDS = 300


def loads_in_a_fresh_process(version: ModelVersion) -> bool:
    """Whether the version could serve; a failure is logged with its reason.

    In a process of its own, because an artifact that does not load may crash its process. Raises
    ChildKilled where that process was killed from outside twice: that says nothing of the version.
    """
    with folders.temporary_folder("load-check") as folder:
        try:
            convert(version)
            key, sha256 = artifacts.loaded_from(version)
            artifact = artifacts.fetch_file(key, sha256)
            _write_job(version, folder)
            command = program("mlapi.training.load_check_child", str(folder), str(artifact), sha256)
            limits = Limits.from_settings(_SECONDS)
            again_if_killed(lambda: supervise.supervise(command, folder, limits))
        except ChildKilled:
            raise
        except EvalsError as error:
            output = supervise.output_tail(folder).strip()
            log.error("does not load", version=version.label, error=error.message, output=output)
            return False
    return True


def _sample(version: ModelVersion) -> QuerySet[Task]:
    """Labelled tasks; of a version that sees images those whose features are stored."""
    live = Task.objects.filter(project=version.project_id, deleted_at__isnull=True)
    if version.extractor:
        stored = Feature.objects.filter(project=version.project_id, extractor=version.extractor)
        some = stored.order_by("pk").values("task")[: 10 * ROWS]
        return live.filter(pk__in=some).order_by("pk")[: 10 * ROWS]
    return live.filter(split="train").exclude(labels={}).order_by("pk")[:ROWS]


def _write_job(version: ModelVersion, folder: Path) -> None:
    """Writes the version as it was trained, and labelled tasks to predict."""
    targets = tuple(TargetSpec.from_dict(model_to_dict(t)) for t in version.targets.all())
    match = Match(targets)
    names = match.pipelines or (version.pipeline,)
    extractor = preparation.extractor_of(version)
    jobs = [
        TrainingJob(
            folder=folder,
            project=version.project_id,
            run=version.run_id or 0,
            number=version.number,
            pipeline=name,
            targets=match.of(name),
            extractor=extractor if pipelines.get(name).uses_images else None,
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
    with open(folder / "dataset.jsonl", "wb") as lines:
        lines.writelines(orjson.dumps(row) + b"\n" for row in rows)
    images = ImagePreparation.for_jobs(version.project, jobs, rows)
    if images is not None:
        images.prepare_stored()

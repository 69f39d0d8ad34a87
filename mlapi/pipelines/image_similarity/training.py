"""Trains an image similarity version in EvaDB: table, index, artifact, evaluation."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from mlapi import label_types
from mlapi.domain import TargetSpec, TrainingFailed
from mlapi.eva.open import Eva
from mlapi.evaluation.evaluate import Version, evaluate, load_champion
from mlapi.evaluation.joined import TrainedPart
from mlapi.images.extraction import through_table
from mlapi.images.folder_store import FolderImageStore
from mlapi.inputs import ImageFeatures
from mlapi.pipelines import artifact
from mlapi.pipelines.image_similarity.evaluation import SimilarityExamples, SimilarityHoldout
from mlapi.pipelines.image_similarity.model import SimilarityModel, index_of
from mlapi.pipelines.image_similarity.options import similar_to
from mlapi.pipelines.models import load_model
from mlapi.run_folder.job import TrainingJob
from mlapi.run_folder.progress import ProgressWriter
from mlapi.run_folder.result import environment
from registry.training_result import TrainingResult


def train(
    job: TrainingJob,
    progress: ProgressWriter,
    images: ImageFeatures,
    store: FolderImageStore,
    eva: Eva,
) -> TrainedPart:
    """See Pipeline.train. Raises TrainingFailed with no_references."""
    spec = job.targets[0]
    label = _label(job, spec)
    progress.phase("indexing", 0.4)
    examples = _examples(job, spec, label, images.read_all(job.data, spec, store), eva)
    progress.log(
        f"{len(examples.tasks)} images are indexed, {int(examples.carries.sum())} of them carry "
        f"the label {label!r}."
    )
    k = int(job.options["k"])
    model = _model(images, spec, label, examples, k)
    progress.phase("saving", 0.7)
    stored = artifact.save(job.artifact, job.pipeline, model)
    holdout = SimilarityHoldout(eva, job, examples, k, images, store)
    version, champion = Version(job.number, stored, model), load_champion(job, load_model, progress)
    found = evaluate(holdout, job, version, champion, progress)
    result = TrainingResult(
        recipe=f"{k} nearest neighbours",
        candidates=[],
        targets=[model.spec.row()],
        **found.of_result,
        environment=environment(),
        artifact_sha256=stored.sha256,
        extractor=model.input.extractor_name,
    )
    return TrainedPart(result, found.own, found.paired, found.chosen)


def _label(job: TrainingJob, spec: TargetSpec) -> str:
    reference = similar_to(job.options)
    if reference is None or reference[1] not in spec.labels:
        raise TrainingFailed("no_references", "similar_to names no label.")
    return reference[1]


def _examples(
    job: TrainingJob,
    spec: TargetSpec,
    label: str,
    vectors: Sequence[Any],
    eva: Eva,
) -> SimilarityExamples:
    """The tasks that have an image, with their vectors as EvaDB's table returns them."""
    table = f"{job.prefix}_tasks"
    tasks, learned = through_table(eva, table, job.rows, vectors)
    if not tasks:
        raise TrainingFailed("no_references", "No task has an image that can be read.")
    humans = {row["id"]: (row["labels"] or {}).get(spec.name) for row in job.rows}
    splits = {row["id"]: row["split"] for row in job.rows}
    examples = SimilarityExamples(
        np.array(tasks, dtype=np.int64),
        learned,
        [_allowed(humans[task], spec) for task in tasks],
        np.array([splits[task] == "holdout" for task in tasks]),
        label,
    )
    if not examples.carries.any():
        raise TrainingFailed("no_references", f"No task with an image carries the label {label!r}.")
    return examples


def _allowed(human: Any, spec: TargetSpec) -> frozenset[str] | None:
    """The human labels as a set; None for a task without one for this control."""
    label_type = label_types.of(spec)
    value = label_type.from_json(human)
    if value is None or not label_type.is_allowed(value, spec.labels):
        return None
    return frozenset(label_type.classes(value))


def _model(
    images: ImageFeatures, spec: TargetSpec, label: str, examples: SimilarityExamples, k: int
) -> SimilarityModel:
    """The model whose thresholds are the similarities of each reference's k-th nearest task."""
    references = examples.vectors[examples.carries]
    found, _ = index_of(examples.vectors).search(references, min(k + 1, len(examples.tasks)))
    return SimilarityModel(
        replace(spec, labels=(label,)),
        label,
        images,
        examples.tasks[examples.carries],
        references,
        # The first is the reference itself, or a copy of it.
        found[:, -1] if found.shape[1] > 1 else np.full(len(references), 1.0, dtype=np.float32),
    )

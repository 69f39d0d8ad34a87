"""Trains an image clusters version in EvaDB: table, clusters, names, artifact, evaluation."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from mlapi import label_types
from mlapi.domain import TargetSpec, TrainingFailed
from mlapi.eva.open import Eva
from mlapi.evaluation.evaluate import Version, evaluate, load_champion, optional
from mlapi.evaluation.joined import TrainedPart
from mlapi.images.extraction import through_table
from mlapi.images.folder_store import FolderImageStore
from mlapi.inputs import ImageFeatures
from mlapi.pipelines import artifact
from mlapi.pipelines.image_clusters.cluster_names import Members, name_all
from mlapi.pipelines.image_clusters.clustering import Clustering, cluster, nearest, silhouette
from mlapi.pipelines.image_clusters.evaluation import (
    ClusterExamples,
    ClusterHoldout,
    PreviousClusters,
)
from mlapi.pipelines.image_clusters.model import ClusterModel
from mlapi.pipelines.image_clusters.options import MOST_CLUSTERS
from mlapi.pipelines.models import load_model
from mlapi.run_folder.job import TrainingJob
from mlapi.run_folder.progress import ProgressWriter
from mlapi.run_folder.result import environment
from registry.training_result import CandidateRow, TrainingResult

_LEAST = 4
_AS_GOOD = 0.01  # of the silhouette


def train(
    job: TrainingJob,
    progress: ProgressWriter,
    images: ImageFeatures,
    store: FolderImageStore,
    eva: Eva,
) -> TrainedPart:
    """See Pipeline.train. Raises TrainingFailed with not_enough_tasks or too_many_clusters."""
    spec = job.targets[0]
    k = _requested_clusters(job, spec)
    progress.phase("reading", 0.35)
    examples = _examples(job, spec, images.read_all(job.data, spec, store), eva)
    progress.phase("clustering", 0.4)
    clustering = _cluster(job, spec, examples, k, progress)
    champion = load_champion(job, load_model, progress)

    @cache  # not of an error: it is raised again where the champion is compared
    def find_previous() -> PreviousClusters | None:
        return _previous(job, spec, store, champion.model) if champion else None

    def is_still_good() -> bool:
        model = previous.model if previous and previous.model.input == images else None
        return model is not None and _still_good(model, clustering, examples, job, k)

    previous = optional("The champion's clusters", find_previous, None, progress)
    if optional("The champion's silhouette", is_still_good, False, progress) and previous:
        progress.log("The champion's clusters score as well on today's images and are kept.")
        clustering = replace(clustering, centres=previous.model.centres)
    model, members = _named(spec, images, clustering, examples, previous)
    progress.phase("saving", 0.75)
    stored = artifact.save(job.artifact, job.pipeline, model)
    holdout = ClusterHoldout(eva, job, examples, members, find_previous)
    evaluated = evaluate(holdout, job, Version(job.number, stored, model), champion, progress)
    result = TrainingResult(
        recipe=f"{len(model.names)} clusters by k-means",
        candidates=_candidates(spec, clustering, examples, len(model.names)),
        targets=[model.spec.row()],
        **evaluated.of_result,
        environment=environment(),
        artifact_sha256=stored.sha256,
        extractor=model.input.extractor_name,
    )
    return TrainedPart(result, evaluated.own, evaluated.paired)


def _candidates(
    spec: TargetSpec, clustering: Clustering, examples: ClusterExamples, winner: int
) -> list[CandidateRow]:
    """A row for each number of clusters that was tried; `winner` is the model's."""
    return [
        CandidateRow(
            target=spec.name,
            name=f"{k} clusters",
            score=score,
            metric="silhouette",
            seconds=0.0,
            n=int((~examples.holdout).sum()),
            note="",
            won=k == winner,
        )
        for k, score in clustering.tried.items()
    ]


def _requested_clusters(job: TrainingJob, spec: TargetSpec) -> int | None:
    k = job.options["clusters"]
    if k is not None and spec.labels and k > len(spec.labels):
        raise TrainingFailed(
            "too_many_clusters",
            f"{k} clusters are requested, and the control has {len(spec.labels)} labels.",
        )
    return k


def _examples(
    job: TrainingJob,
    spec: TargetSpec,
    vectors: Sequence[Any],
    eva: Eva,
) -> ClusterExamples:
    """The tasks that have an image, with their vectors as EvaDB's table returns them."""
    table = f"{job.prefix}_tasks"
    tasks, learned = through_table(eva, table, job.rows, vectors)
    if len(tasks) < _LEAST:
        raise TrainingFailed(
            "not_enough_tasks",
            f"Only {len(tasks)} of {len(job.rows)} tasks have an image that can be read.",
            hint=f"Import {_LEAST} images or more; the log says what is wrong with the others.",
        )
    by_task = {row["id"]: row for row in job.rows}
    humans = [(by_task[task]["labels"] or {}).get(spec.name) for task in tasks]
    return ClusterExamples(
        np.array(tasks, dtype=np.int64),
        learned,
        [_allowed(human, spec) for human in humans],
        np.array([by_task[task]["split"] == "holdout" for task in tasks]),
    )


def _allowed(human: Any, spec: TargetSpec) -> str | None:
    label_type = label_types.of(spec)
    value = label_type.from_json(human)
    return value if value and label_type.is_allowed(value, spec.labels) else None


def _cluster(
    job: TrainingJob,
    spec: TargetSpec,
    examples: ClusterExamples,
    k: int | None,
    progress: ProgressWriter,
) -> Clustering:
    fitted = examples.vectors[~examples.holdout]
    if (fitted == fitted[:1]).all():
        raise TrainingFailed(
            "not_enough_tasks",
            "All images look the same.",
            hint="Import images that differ, or choose other features.",
        )
    most = len(spec.labels) or MOST_CLUSTERS

    def log_silhouette(n: int, silhouette: float) -> None:
        progress.log(f"{n} clusters: silhouette {silhouette:.3f}")

    return cluster(fitted, k, most, job.seed, log_silhouette)


def _still_good(
    previous: ClusterModel,
    new: Clustering,
    examples: ClusterExamples,
    job: TrainingJob,
    k: int | None,
) -> bool:
    """Whether the previous clusters score as well: then they are kept, so that names stay stable.

    A new name alone does not change the clusters.
    """
    if k not in (None, len(previous.names)):
        return False
    if job.targets[0].labels and len(previous.names) > len(job.targets[0].labels):
        return False
    fitted = examples.vectors[~examples.holdout]
    old_score = silhouette(fitted, previous.assign(fitted)[0], job.seed)
    new_score = silhouette(fitted, nearest(fitted, new.centres), job.seed)
    return old_score is not None and (new_score is None or old_score >= new_score - _AS_GOOD)


def _named(
    spec: TargetSpec,
    images: ImageFeatures,
    clustering: Clustering,
    examples: ClusterExamples,
    previous: PreviousClusters | None,
) -> tuple[ClusterModel, list[Members]]:
    """The model of named clusters, whose names are its labels; and the members of each."""
    model = ClusterModel(spec, images, clustering.centres, [""] * len(clustering.centres))
    clusters, _ = model.assign(examples.vectors)
    members = [_members(examples, clusters == i, previous) for i in range(len(model.centres))]
    names = name_all(members, spec.labels, previous.model.names if previous else ())
    learned = replace(spec, labels=tuple(dict.fromkeys(names)))
    return replace(model, spec=learned, names=names), members


def _members(
    examples: ClusterExamples, inside: np.ndarray, previous: PreviousClusters | None
) -> Members:
    rows = np.flatnonzero(inside)
    humans = Counter(human for i in rows if (human := examples.humans[i]) is not None)
    names = (previous.name(int(examples.tasks[i])) for i in rows) if previous else ()
    return Members(len(rows), Counter(n for n in names if n is not None), humans)


def _previous(
    job: TrainingJob,
    spec: TargetSpec,
    store: FolderImageStore,
    model: ClusterModel,
) -> PreviousClusters | None:
    """The champion's clusters of today's images; None if it fills another control."""
    if model.spec.name != spec.name:
        return None
    vectors = model.input.read_all(job.data, spec, store)
    readable = [i for i, vector in enumerate(vectors) if isinstance(vector, np.ndarray)]
    if not readable:
        return None
    clusters, _ = model.assign(np.stack([np.asarray(vectors[i]) for i in readable]))
    found = {job.rows[i]["id"]: int(cluster) for i, cluster in zip(readable, clusters, strict=True)}
    return PreviousClusters(model, found)

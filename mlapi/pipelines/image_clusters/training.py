"""Trains a version of clusters in EvaDB: table, groups, names, artifact, evaluation."""

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np

from mlapi.domain import TargetSpec, TrainingFailed
from mlapi.eva.open import Eva
from mlapi.evaluation.evaluate import Version, evaluate, load_champion
from mlapi.images.addresses import read_vectors
from mlapi.images.extraction import through_table
from mlapi.images.folder_store import FolderFeatureStore
from mlapi.pipelines import artifact
from mlapi.pipelines.image_clusters.evaluation import Before, ClusterHoldout, Examples
from mlapi.pipelines.image_clusters.grouping import Grouped, group, nearest, silhouette
from mlapi.pipelines.image_clusters.model import ClusterModel
from mlapi.pipelines.image_clusters.naming import Members, name_all
from mlapi.pipelines.images.options import MOST_CLUSTERS
from mlapi.pipelines.models import load_model
from mlapi.run_folder.job import TrainingJob
from mlapi.run_folder.progress import ProgressWriter
from mlapi.run_folder.result import environment
from registry.training_result import Candidate, TrainingResult

_LEAST = 4
_AS_GOOD = 0.01  # of the silhouette


def train(
    job: TrainingJob,
    report: ProgressWriter,
    seen: FolderFeatureStore,
    eva: Eva,
) -> TrainingResult:
    """See Pipeline.train. Raises TrainingFailed with not_enough_tasks or too_many_clusters."""
    spec = job.targets[0]
    wanted = _wanted(job, spec)
    report.phase("reading", 0.35)
    examples = _examples(job, spec, seen, eva)
    report.phase("grouping", 0.4)
    found = _group(job, spec, examples, wanted, report)
    champion = load_champion(job, load_model, report)
    before = _before(job, spec, seen, champion.model) if champion else None
    if before and _still_good(before.model, found, examples, job, wanted):
        report.log("The champion's clusters are as good on today's images: they are kept.")
        found = replace(found, centres=before.model.centres)
    model = ClusterModel(spec, job.extractor, found.centres, [""] * len(found.centres))
    clusters, _ = model.assign(examples.vectors)
    members = [_members(examples, clusters == i, before) for i in range(len(model.centres))]
    model.names = name_all(members, spec.labels, before.model.names if before else ())
    report.phase("saving", 0.75)
    learned = replace(spec, labels=tuple(dict.fromkeys(model.names)))
    model = replace(model, spec=learned)
    stored = artifact.save(job, model)
    holdout = ClusterHoldout(eva, job, examples, members, before)
    evaluated = evaluate(holdout, job, Version(job.number, stored, model), champion, report)
    return TrainingResult(
        recipe=f"{len(model.names)} clusters by k-means",
        candidates=[
            Candidate(
                target=spec.name,
                name=f"{k} clusters",
                score=score,
                metric="silhouette",
                seconds=0.0,
                n=int((~examples.holdout).sum()),
                note="",
                won=k == len(model.names),
            )
            for k, score in found.tried.items()
        ],
        targets=[learned.row()],
        **vars(evaluated),
        environment=environment(),
        artifact_sha256=stored.sha256,
        extractor=model.extractor.name,
    )


def _wanted(job: TrainingJob, spec: TargetSpec) -> int | None:
    k = job.options["clusters"]
    if k is not None and spec.labels and k > len(spec.labels):
        raise TrainingFailed(
            "too_many_clusters",
            f"{k} clusters are asked for, and the control has {len(spec.labels)} labels.",
        )
    return k


def _examples(
    job: TrainingJob,
    spec: TargetSpec,
    seen: FolderFeatureStore,
    eva: Eva,
) -> Examples:
    """The tasks that have an image, with their vectors as EvaDB's table has them."""
    table = f"{job.prefix}_tasks"
    tasks, vectors = through_table(eva, table, job.rows, spec, job.extractor, seen)
    if len(tasks) < _LEAST:
        raise TrainingFailed(
            "not_enough_tasks",
            f"Only {len(tasks)} of {len(job.rows)} tasks have an image that can be read.",
            hint=f"Import {_LEAST} images or more; the log says what is wrong with the others.",
        )
    by_task = {row["id"]: row for row in job.rows}
    humans = [(by_task[task]["labels"] or {}).get(spec.name) for task in tasks]
    return Examples(
        np.array(tasks, dtype=np.int64),
        vectors,
        [_allowed(human, spec) for human in humans],
        np.array([by_task[task]["split"] == "holdout" for task in tasks]),
    )


def _allowed(human: Any, spec: TargetSpec) -> str | None:
    if not isinstance(human, str):
        return None
    return human if not spec.labels or human in spec.labels else None


def _group(
    job: TrainingJob, spec: TargetSpec, examples: Examples, k: int | None, report: ProgressWriter
) -> Grouped:
    fitted = examples.vectors[~examples.holdout]
    if (fitted == fitted[:1]).all():
        raise TrainingFailed(
            "not_enough_tasks",
            "All images look the same.",
            hint="Import images that differ, or choose other features.",
        )
    most = len(spec.labels) or MOST_CLUSTERS

    def tell(n: int, silhouette: float) -> None:
        report.log(f"{n} clusters: silhouette {silhouette:.3f}")

    return group(fitted, k, most, job.seed, tell)


def _still_good(
    before: ClusterModel, found: Grouped, examples: Examples, job: TrainingJob, k: int | None
) -> bool:
    """Whether other clusters would only move images about: then annotators keep those they know.

    A new name alone makes no other clusters.
    """
    if before.extractor != job.extractor or k not in (None, len(before.names)):
        return False
    if job.targets[0].labels and len(before.names) > len(job.targets[0].labels):
        return False
    fitted = examples.vectors[~examples.holdout]
    theirs = silhouette(fitted, before.assign(fitted)[0], job.seed)
    ours = silhouette(fitted, nearest(fitted, found.centres), job.seed)
    return theirs is not None and (ours is None or theirs >= ours - _AS_GOOD)


def _members(examples: Examples, inside: np.ndarray, before: Before | None) -> Members:
    there = np.flatnonzero(inside)
    humans = Counter(human for i in there if (human := examples.humans[i]) is not None)
    names = (before.name(int(examples.tasks[i])) for i in there) if before else ()
    return Members(len(there), Counter(n for n in names if n is not None), humans)


def _before(
    job: TrainingJob,
    spec: TargetSpec,
    seen: FolderFeatureStore,
    model: ClusterModel,
) -> Before | None:
    """The champion's clusters of today's images; None where it has named another control."""
    if model.spec.name != spec.name:
        return None
    vectors = read_vectors([row["data"] for row in job.rows], spec, model.extractor, seen)
    there = [i for i, vector in enumerate(vectors) if isinstance(vector, np.ndarray)]
    if not there:
        return None
    clusters, _ = model.assign(np.stack([np.asarray(vectors[i]) for i in there]))
    found = {job.rows[i]["id"]: int(cluster) for i, cluster in zip(there, clusters, strict=True)}
    return Before(model, found)

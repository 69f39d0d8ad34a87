"""How good a version of clusters is: by itself, and beside what annotators call the pictures."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from sklearn.metrics import adjusted_rand_score, v_measure_score

from mlapi.eva import functions
from mlapi.eva.execute import execute
from mlapi.eva.names import identifier
from mlapi.eva.open import Eva
from mlapi.evaluation.classification import row
from mlapi.pipelines.image_clusters.function import NearestCluster
from mlapi.pipelines.image_clusters.grouping import silhouette
from mlapi.pipelines.image_clusters.model import ClusterModel
from mlapi.pipelines.image_clusters.naming import Members, most
from mlapi.run_folder.job import TrainingJob
from registry import paired_bootstrap
from registry.training_result import Comparison, ExemplarRow, MetricRow, OutcomeRow

SHOWN = 60  # of each cluster, the most central tasks, kept to be shown
_RESAMPLES = 200


@dataclass
class Examples:
    """All tasks with a picture, in the order of their ids; `humans` None where none gave a name."""

    tasks: np.ndarray
    vectors: np.ndarray
    humans: list[str | None]
    holdout: np.ndarray

    @cached_property
    def judged(self) -> list[int]:
        """The places of the holdout's tasks that a human has named."""
        return [i for i, human in enumerate(self.humans) if self.holdout[i] and human is not None]


@dataclass(frozen=True)
class Before:
    """The champion, and by task the name of the cluster that it lies in."""

    model: ClusterModel
    clusters: dict[int, int]

    def name(self, task: int) -> str | None:
        """What the champion calls the task's cluster."""
        cluster = self.clusters.get(task)
        return None if cluster is None else self.model.names[cluster]


def judge(
    eva: Eva,
    job: TrainingJob,
    examples: Examples,
    model: ClusterModel,
    members: Sequence[Members],
    before: Before | None,
) -> dict[str, Any]:
    """`metrics`, `outcomes`, `exemplars`, `comparison` and `primary_metric` of the result.

    Names given by annotators make no cluster, so all of them may judge; those of the holdout do,
    as for every other pipeline.
    """
    clusters, centrality = _ask(eva, job, examples)
    truth = [str(examples.humans[i]) for i in examples.judged]
    said = clusters[examples.judged]
    n = len(truth)
    rand = float(adjusted_rand_score(truth, said)) if n > 1 else None
    fitted = ~examples.holdout
    shape = silhouette(examples.vectors[fitted], clusters[fitted], job.seed)
    primary = ("adjusted_rand", rand, n) if n else ("silhouette", shape, len(examples.tasks))
    target = model.spec.name
    rows = [
        row("adjusted_rand", rand, n),
        row("v_measure", float(v_measure_score(truth, said)) if n > 1 else None, n),
        row("silhouette", shape, int(fitted.sum())),
        row("clusters", float(len(model.names)), len(examples.tasks)),
        # What names without any relation to the pictures would get.
        row("baseline_adjusted_rand", 0.0 if n > 1 else None, n),
        *_sizes(model, clusters),
    ]
    return {
        "metrics": [
            *(replace(r, target=target) for r in rows),
            row("primary", *primary[1:]),
        ],
        "outcomes": _outcomes(examples, model, members, clusters, centrality),
        "exemplars": _shown(examples, model, clusters, centrality),
        "comparison": _comparison(job, examples, truth, said, before),
        "primary_metric": primary[0],
    }


def _ask(eva: Eva, job: TrainingJob, examples: Examples) -> tuple[np.ndarray, np.ndarray]:
    """What the version says of each task, through its EvaDB function."""
    function = identifier(f"p{job.project}_v{job.number}")
    execute(
        eva,
        f"CREATE FUNCTION {function} IMPL ':impl' MODEL_PATH ':artifact'",
        {"impl": functions.path(NearestCluster), "artifact": str(job.artifact)},
    )
    found = execute(eva, f"SELECT id, {function}(features) FROM {job.prefix}_tasks")  # noqa: S608
    found = found.set_index("id").loc[examples.tasks]
    return found["cluster"].to_numpy(dtype=int), found["centrality"].to_numpy(dtype=float)


def _sizes(model: ClusterModel, clusters: np.ndarray) -> list[MetricRow]:
    """How many tasks each name has: clusters may share one that annotators gave to both."""
    sizes = Counter(model.names[cluster] for cluster in clusters.tolist())
    return [row("support", float(n), n, label=name) for name, n in sorted(sizes.items())]


def _outcomes(
    examples: Examples,
    model: ClusterModel,
    members: Sequence[Members],
    clusters: np.ndarray,
    centrality: np.ndarray,
) -> list[OutcomeRow]:
    """The name of each judged task's cluster as it would be without that task's own answer."""
    found = []
    for i in examples.judged:
        human, cluster = examples.humans[i], int(clusters[i])
        others = members[cluster].humans - Counter([human])
        others_say = most(others) if others else None
        name = others_say or (model.names[cluster] if model.names[cluster] != human else None)
        found.append(
            OutcomeRow(
                task=int(examples.tasks[i]),
                target=model.spec.name,
                predicted=name,
                score=float(centrality[i]),
                human=human,
                correct=name == human,
            )
        )
    return found


def _shown(
    examples: Examples, model: ClusterModel, clusters: np.ndarray, centrality: np.ndarray
) -> list[ExemplarRow]:
    """The most central tasks of each name, for people to see what it is."""
    by_name: dict[str, list[tuple[float, int]]] = {}
    for task, cluster, score in zip(examples.tasks, clusters, centrality, strict=True):
        by_name.setdefault(model.names[cluster], []).append((float(score), int(task)))
    return [
        ExemplarRow(model.spec.name, name, task, score)
        for name, found in sorted(by_name.items())
        for score, task in sorted(found, key=lambda one: (-one[0], one[1]))[:SHOWN]
    ]


def _comparison(
    job: TrainingJob,
    examples: Examples,
    truth: list[str],
    said: np.ndarray,
    before: Before | None,
) -> Comparison | None:
    """The adjusted Rand index of both on the same named tasks; None without a champion.

    The interval is the paired bootstrap's, as it is for classifiers.
    """
    if not job.champion:
        return None
    today = job.targets[0].labels
    serves = before is not None and (not today or any(n in today for n in before.model.names))
    theirs = [
        before.clusters.get(int(examples.tasks[i]), -1) if before else -1 for i in examples.judged
    ]
    n = len(truth)
    numbers: dict[str, Any] = {"candidate": None, "champion": None, "difference": None}
    interval = None
    if n > 1 and serves:
        named, ours, other = np.array(truth), np.array(said), np.array(theirs)
        candidate = float(adjusted_rand_score(named, ours))
        champion = float(adjusted_rand_score(named, other))
        numbers = {
            "candidate": candidate,
            "champion": champion,
            "difference": candidate - champion,
        }
        interval = _interval(named, ours, other, job.seed)
    return Comparison(
        metric="adjusted_rand",
        **numbers,
        interval=interval,
        n=n,
        excluded=0,
        champion_serves=serves,
    )


def _interval(
    named: np.ndarray, ours: np.ndarray, theirs: np.ndarray, seed: int
) -> list[float] | None:
    def difference(some: np.ndarray) -> float:
        ours_of_some = adjusted_rand_score(named[some], ours[some])
        return ours_of_some - adjusted_rand_score(named[some], theirs[some])

    found = paired_bootstrap.interval(
        paired_bootstrap.redrawn(difference, len(named), _RESAMPLES, seed)
    )
    return found and list(found)

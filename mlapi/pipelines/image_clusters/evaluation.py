"""How good a version of clusters is: by itself, and beside what annotators call the images."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from sklearn.metrics import adjusted_rand_score, v_measure_score

from mlapi.domain import TargetSpec
from mlapi.eva.open import Eva
from mlapi.evaluation.classification import row
from mlapi.evaluation.evaluate import Holdout, Version, predict_table
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
    """All tasks with an image, in the order of their ids; `humans` None where none gave a name."""

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


@dataclass(frozen=True)
class Assigned:
    """The clusters of a version: their names, and of each example its cluster and centrality.

    -1 is the cluster of an example that the version cannot see.
    """

    names: Sequence[str]
    clusters: np.ndarray
    centrality: np.ndarray


class ClusterHoldout(Holdout[ClusterModel, Assigned]):
    """The examples that a human has named; those of the holdout count, as in every pipeline."""

    def __init__(
        self,
        eva: Eva,
        job: TrainingJob,
        examples: Examples,
        members: Sequence[Members],
        before: Before | None,
    ) -> None:
        self._eva = eva
        self._job = job
        self._examples = examples
        self._members = members
        self._before = before
        self._spec = job.targets[0]
        self._truth = [str(examples.humans[i]) for i in examples.judged]
        self.primary_metric = "adjusted_rand" if self._truth else "silhouette"

    def predict(self, version: Version[ClusterModel]) -> Assigned:
        table = f"{self._job.prefix}_tasks"
        found = predict_table(self._eva, self._job, version, NearestCluster, table, ["features"])
        found = found.set_index("id").loc[self._examples.tasks]
        return Assigned(
            version.model.names,
            found["cluster"].to_numpy(dtype=int),
            found["centrality"].to_numpy(dtype=float),
        )

    def predict_champion(self, champion: Version[ClusterModel]) -> Assigned | None:
        """Its clusters were needed before, to name those of the new version."""
        if self._before is None:
            return None
        tasks = self._examples.tasks.tolist()
        clusters = np.array([self._before.clusters.get(task, -1) for task in tasks], dtype=int)
        return Assigned(champion.model.names, clusters, np.zeros(len(tasks)))

    def metrics(self, predictions: Assigned) -> list[MetricRow]:
        said = predictions.clusters[self._examples.judged]
        n = len(self._truth)
        rand = float(adjusted_rand_score(self._truth, said)) if n > 1 else None
        v_measure = float(v_measure_score(self._truth, said)) if n > 1 else None
        fitted = ~self._examples.holdout
        vectors, clusters = self._examples.vectors[fitted], predictions.clusters[fitted]
        shape = silhouette(vectors, clusters, self._job.seed)
        total = len(self._examples.tasks)
        rows = [
            row("adjusted_rand", rand, n),
            row("v_measure", v_measure, n),
            row("silhouette", shape, int(fitted.sum())),
            row("clusters", float(len(predictions.names)), total),
            # What names without any relation to the images would get.
            row("baseline_adjusted_rand", 0.0 if n > 1 else None, n),
            *_sizes(predictions),
        ]
        return [
            *(replace(r, target=self._spec.name) for r in rows),
            row("primary", rand, n) if n else row("primary", shape, total),
        ]

    def outcomes(self, predictions: Assigned) -> list[OutcomeRow]:
        return _outcomes(self._examples, self._spec, self._members, predictions)

    def exemplars(self, predictions: Assigned) -> list[ExemplarRow]:
        return _exemplars(self._examples, self._spec, predictions)

    def compare(self, candidate: Assigned, champion: Assigned | None) -> Comparison:
        """The adjusted Rand index of both on the same named tasks."""
        judged, today = self._examples.judged, self._spec.labels
        serves = champion is not None and (not today or any(n in today for n in champion.names))
        n = len(self._truth)
        mine = other = difference = interval = None
        if n > 1 and champion is not None and serves:
            named = np.array(self._truth)
            ours, theirs = candidate.clusters[judged], champion.clusters[judged]
            mine, other = (float(adjusted_rand_score(named, said)) for said in (ours, theirs))
            difference = mine - other
            interval = _interval(named, ours, theirs, self._job.seed)
        return Comparison(
            metric="adjusted_rand",
            candidate=mine,
            champion=other,
            difference=difference,
            interval=interval,
            n=n,
            excluded=0,
            champion_serves=serves,
        )


def _sizes(assigned: Assigned) -> list[MetricRow]:
    """How many tasks each name has: clusters may share one that annotators gave to both."""
    sizes = Counter(assigned.names[cluster] for cluster in assigned.clusters.tolist())
    return [row("support", float(n), n, label=name) for name, n in sorted(sizes.items())]


def _outcomes(
    examples: Examples, spec: TargetSpec, members: Sequence[Members], assigned: Assigned
) -> list[OutcomeRow]:
    """The name of each judged task's cluster as it would be without that task's own answer."""
    found = []
    for i in examples.judged:
        human, cluster = examples.humans[i], int(assigned.clusters[i])
        others = members[cluster].humans - Counter([human])
        others_say = most(others) if others else None
        own = assigned.names[cluster]
        name = others_say or (own if own != human else None)
        found.append(
            OutcomeRow(
                task=int(examples.tasks[i]),
                target=spec.name,
                predicted=name,
                score=float(assigned.centrality[i]),
                human=human,
                correct=name == human,
            )
        )
    return found


def _exemplars(examples: Examples, spec: TargetSpec, assigned: Assigned) -> list[ExemplarRow]:
    """Of each name the most central tasks."""
    by_name: dict[str, list[tuple[float, int]]] = {}
    for task, cluster, score in zip(
        examples.tasks, assigned.clusters, assigned.centrality, strict=True
    ):
        by_name.setdefault(assigned.names[cluster], []).append((float(score), int(task)))
    return [
        ExemplarRow(spec.name, name, task, score)
        for name, found in sorted(by_name.items())
        for score, task in sorted(found, key=lambda one: (-one[0], one[1]))[:SHOWN]
    ]


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

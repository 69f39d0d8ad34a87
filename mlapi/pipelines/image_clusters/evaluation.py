"""Evaluates an image clusters version: by its silhouette, and against the names of annotators."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from sklearn.metrics import adjusted_rand_score, v_measure_score

from mlapi.domain import TargetSpec
from mlapi.eva.open import Eva
from mlapi.evaluation.comparison import PairedHoldout, PairedTarget
from mlapi.evaluation.evaluate import Holdout, Version, predict_table
from mlapi.label_types.label_metrics import row
from mlapi.pipelines.image_clusters.adjusted_rand import adjusted_rand, by_chance
from mlapi.pipelines.image_clusters.cluster_names import Members, most
from mlapi.pipelines.image_clusters.clustering import silhouette
from mlapi.pipelines.image_clusters.function import NearestCluster
from mlapi.pipelines.image_clusters.model import ClusterModel
from mlapi.run_folder.job import TrainingJob
from registry.training_result import ExemplarRow, MetricRow, OutcomeRow

MAX_EXEMPLARS = 60  # of each cluster, the most central tasks, stored as exemplars


@dataclass
class ClusterExamples:
    """All tasks with an image, in the order of their ids; `humans`: None without a label."""

    tasks: np.ndarray
    vectors: np.ndarray
    humans: list[str | None]
    holdout: np.ndarray

    @cached_property
    def evaluated(self) -> list[int]:
        """The indices of the holdout's tasks that have a human label."""
        return [i for i, human in enumerate(self.humans) if self.holdout[i] and human is not None]


@dataclass(frozen=True)
class PreviousClusters:
    """The champion, and the cluster of each task."""

    model: ClusterModel
    clusters: dict[int, int]

    def name(self, task: int) -> str | None:
        """The champion's name of the task's cluster."""
        cluster = self.clusters.get(task)
        return None if cluster is None else self.model.names[cluster]


@dataclass(frozen=True)
class Assignment:
    """The clusters of a version: their names, and of each example its cluster and centrality.

    -1 is the cluster of an example without features.
    """

    names: Sequence[str]
    clusters: np.ndarray
    centrality: np.ndarray


class ClusterHoldout(Holdout[ClusterModel, Assignment]):
    """The examples with a human label; only those of the holdout count, as in every pipeline."""

    def __init__(
        self,
        eva: Eva,
        job: TrainingJob,
        examples: ClusterExamples,
        members: Sequence[Members],
        find_previous: Callable[[], PreviousClusters | None],
    ) -> None:
        self._eva = eva
        self._job = job
        self._examples = examples
        self._members = members
        self._find_previous = find_previous
        self._spec = job.targets[0]
        self._truth = [str(examples.humans[i]) for i in examples.evaluated]
        self.primary_metric = "adjusted_rand" if self._truth else "silhouette"

    def predict(self, version: Version[ClusterModel]) -> Assignment:
        table = f"{self._job.prefix}_tasks"
        found = predict_table(self._eva, self._job, version, NearestCluster, table, ["features"])
        found = found.set_index("id").loc[self._examples.tasks]
        return Assignment(
            version.model.names,
            found["cluster"].to_numpy(dtype=int),
            found["centrality"].to_numpy(dtype=float),
        )

    def predict_champion(self, champion: Version[ClusterModel]) -> Assignment | None:
        """Its clusters are known already: the new version's were named by them."""
        previous = self._find_previous()
        if previous is None:
            return None
        tasks = self._examples.tasks.tolist()
        clusters = np.array([previous.clusters.get(task, -1) for task in tasks], dtype=int)
        return Assignment(champion.model.names, clusters, np.zeros(len(tasks)))

    def metrics(self, predictions: Assignment) -> list[MetricRow]:
        predicted = predictions.clusters[self._examples.evaluated]
        n = len(self._truth)
        rand = float(adjusted_rand_score(self._truth, predicted)) if n > 1 else None
        v_measure = float(v_measure_score(self._truth, predicted)) if n > 1 else None
        fitted = ~self._examples.holdout
        vectors, clusters = self._examples.vectors[fitted], predictions.clusters[fitted]
        shape = silhouette(vectors, clusters, self._job.seed)
        total = len(self._examples.tasks)
        rows = [
            row("adjusted_rand", rand, n),
            row("v_measure", v_measure, n),
            row("silhouette", shape, int(fitted.sum())),
            row("clusters", float(len(predictions.names)), total),
            # Of names that are independent of the images.
            row("baseline_adjusted_rand", 0.0 if n > 1 else None, n),
            *_sizes(predictions),
        ]
        return [
            *(replace(r, target=self._spec.name) for r in rows),
            row("primary", rand, n) if n else row("primary", shape, total),
        ]

    def outcomes(self, predictions: Assignment) -> list[OutcomeRow]:
        return _outcomes(self._examples, self._spec, self._members, predictions)

    def exemplars(self, predictions: Assignment) -> list[ExemplarRow]:
        return _exemplars(self._examples, self._spec, predictions)

    def paired(self, candidate: Assignment, champion: Assignment | None) -> PairedHoldout:
        """The adjusted Rand index of both; 0, as by chance, of a champion that serves nothing."""
        evaluated, today = self._examples.evaluated, self._spec.labels
        serves = champion is not None and (not today or any(n in today for n in champion.names))
        own, others = (
            adjusted_rand(self._truth, found.clusters[evaluated]) if found else by_chance
            for found in (candidate, champion if serves else None)
        )
        tasks = self._examples.tasks[evaluated].tolist()
        both = PairedTarget(self._spec.name, "adjusted_rand", tasks, own, others)
        return PairedHoldout([both], serves)


def _sizes(assigned: Assignment) -> list[MetricRow]:
    """The tasks of each name; clusters share a name that annotators gave to both."""
    sizes = Counter(assigned.names[cluster] for cluster in assigned.clusters.tolist())
    return [row("support", float(n), n, label=name) for name, n in sorted(sizes.items())]


def _outcomes(
    examples: ClusterExamples, spec: TargetSpec, members: Sequence[Members], assigned: Assignment
) -> list[OutcomeRow]:
    """The name of each evaluated task's cluster without the vote of that task's own label."""
    found = []
    for i in examples.evaluated:
        human, cluster = examples.humans[i], int(assigned.clusters[i])
        others = members[cluster].humans - Counter([human])
        voted = most(others) if others else None
        own = assigned.names[cluster]
        name = voted or (own if own != human else None)
        found.append(
            OutcomeRow(
                task=int(examples.tasks[i]),
                target=spec.name,
                predicted=name,
                score=float(assigned.centrality[i]),
                human=human,
                correct=name == human,
                human_classes=[human],
                predicted_classes=None if name is None else [name],
            )
        )
    return found


def _exemplars(
    examples: ClusterExamples, spec: TargetSpec, assigned: Assignment
) -> list[ExemplarRow]:
    """The most central tasks of each name."""
    by_name: dict[str, list[tuple[float, int]]] = {}
    for task, cluster, score in zip(
        examples.tasks, assigned.clusters, assigned.centrality, strict=True
    ):
        by_name.setdefault(assigned.names[cluster], []).append((float(score), int(task)))
    return [
        ExemplarRow(spec.name, name, task, score)
        for name, found in sorted(by_name.items())
        for score, task in sorted(found, key=lambda one: (-one[0], one[1]))[:MAX_EXEMPLARS]
    ]

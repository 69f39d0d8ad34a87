"""Evaluates an image similarity version: leave-one-out, and precision at k.

Leave-one-out: a reference is scored against the other references only.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from mlapi import label_types
from mlapi.domain import Prediction, TargetSpec
from mlapi.eva.open import Eva
from mlapi.evaluation.comparison import PairedHoldout, PairedTarget
from mlapi.evaluation.evaluate import Holdout, Version, outcome_row, predict_table
from mlapi.images.extraction import write_images
from mlapi.images.folder_store import FolderImageStore
from mlapi.inputs import ImageFeatures
from mlapi.label_types.label_metrics import row
from mlapi.pipelines.image_similarity.function import NearestReferences
from mlapi.pipelines.image_similarity.model import SimilarityModel, index_of
from mlapi.run_folder.job import Chosen, TrainingJob
from registry.statistics import f1_by_label, indicators, macro_f1
from registry.training_result import ExemplarRow, MetricRow, OutcomeRow

MAX_EXEMPLARS = 100  # of the tasks that are most like a reference, stored as exemplars


@dataclass
class SimilarityExamples:
    """All tasks with an image, in the order of their ids.

    `humans` are sets of labels, None without a human label for the control.
    """

    tasks: np.ndarray
    vectors: np.ndarray
    humans: list[frozenset[str] | None]
    holdout: np.ndarray
    label: str

    @cached_property
    def carries(self) -> np.ndarray:
        """(n,) whether each is a reference."""
        return np.array([h is not None and self.label in h for h in self.humans])

    @cached_property
    def evaluated(self) -> np.ndarray:
        """(n,) whether each is in the holdout and has a human label."""
        return self.holdout & np.array([h is not None for h in self.humans])


class SimilarityHoldout(Holdout[SimilarityModel, dict[int, Prediction | None]]):
    """The holdout among the examples; predictions by task id, None for no label."""

    primary_metric = "macro_f1"

    def __init__(
        self,
        eva: Eva,
        job: TrainingJob,
        examples: SimilarityExamples,
        k: int,
        images: ImageFeatures,
        store: FolderImageStore,
    ) -> None:
        self._eva = eva
        self._job = job
        self._examples = examples
        self._k = k
        self._images = images
        self._store = store
        self._spec = job.targets[0]
        self._evaluated = np.flatnonzero(examples.evaluated).tolist()

    def predict(self, version: Version[SimilarityModel]) -> dict[int, Prediction | None] | None:
        """None also for a version of another label, or without features of its input."""
        model = version.model
        if model.label != self._examples.label or model.spec.name != self._spec.name:
            return None
        table = f"{self._job.prefix}_tasks"
        if model.input != self._images:
            table = f"{table}_champion"
            vectors = model.input.read_all(self._job.data, self._spec, self._store)
            if not write_images(self._eva, table, self._job.rows, vectors):
                return None
        found = predict_table(self._eva, self._job, version, NearestReferences, table, ["features"])
        columns = (found[name].tolist() for name in ("id", "tasks", "nearness"))
        # Without itself: no task is its own reference.
        return {
            task: model.answer(near[ids != task]) for task, ids, near in zip(*columns, strict=True)
        }

    def metrics(self, predictions: dict[int, Prediction | None]) -> list[MetricRow]:
        return [
            r if r.name == "primary" else replace(r, target=self._spec.name)
            for r in _metrics(self._examples, self._evaluated, predictions, self._k)
        ]

    def outcomes(self, predictions: dict[int, Prediction | None]) -> list[OutcomeRow]:
        return [_outcome(self._examples, i, predictions, self._spec) for i in self._evaluated]

    def chosen(self, predictions: dict[int, Prediction | None]) -> Chosen:
        of_tasks = {task: label_types.classes_of(a) for task, a in predictions.items() if a}
        return {self._spec.name: of_tasks}

    def exemplars(self, predictions: dict[int, Prediction | None]) -> list[ExemplarRow]:
        return _exemplars(self._examples, predictions, self._spec)

    def paired(
        self, candidate: dict[int, Prediction | None], champion: dict[int, Prediction | None] | None
    ) -> PairedHoldout:
        truth, predicted = _binary(self._examples, self._evaluated, candidate)
        _, of_champion = _binary(self._examples, self._evaluated, champion or {})
        tasks = [int(self._examples.tasks[i]) for i in self._evaluated]
        both = PairedTarget.of(self._spec.name, "choice", tasks, truth, predicted, of_champion)
        return PairedHoldout([both], champion_serves=champion is not None)


def _metrics(
    examples: SimilarityExamples,
    evaluated: list[int],
    answers: dict[int, Prediction | None],
    k: int,
) -> list[MetricRow]:
    n = len(evaluated)
    truth, predicted = _binary(examples, evaluated, answers)
    labels = _classes(examples.label)
    is_true, is_predicted = (
        indicators([(one,) for one in of], labels) for of in (truth, predicted)
    )
    f1 = macro_f1(is_true, is_predicted) if n else None
    precision, by_chance, queries = precision_at_k(examples, k)
    hits = int((is_true[:, 0] * is_predicted[:, 0]).sum()) if n else 0
    positive, answered = (int(m[:, 0].sum()) if n else 0 for m in (is_true, is_predicted))
    always = indicators([(labels[1],)] * n, labels)
    return [
        row("primary", f1, n),
        row("macro_f1", f1, n),
        row("baseline_macro_f1", macro_f1(is_true, always) if n else None, n),
        row("precision_at_k", precision, queries, step=k),
        row("baseline_precision_at_k", by_chance, queries, step=k),
        row("references", float(examples.carries.sum()), len(examples.tasks)),
        row("precision", hits / answered if answered else None, answered, label=examples.label),
        row("recall", hits / positive if positive else None, positive, label=examples.label),
        row(
            "f1",
            f1_by_label(is_true, is_predicted)[0] if n else None,
            positive,
            label=examples.label,
        ),
        row("support", float(positive), positive, label=examples.label),
    ]


def precision_at_k(examples: SimilarityExamples, k: int) -> tuple[float | None, float | None, int]:
    """The share of each evaluated task's k nearest labelled neighbours that has a label in common.

    The mean over the evaluated tasks that carry any label; what it would be if the others were
    drawn by chance; and how many they are. Manning et al., Introduction to Information
    Retrieval, 2008, section 8.4.
    """
    labelled = [i for i, human in enumerate(examples.humans) if human]
    queries = [i for i in labelled if examples.evaluated[i]]
    k = min(k, len(labelled) - 1)
    if not queries or k < 1:
        return None, None, 0
    labels = sorted({label for i in labelled for label in examples.humans[i] or ()})
    matrix = indicators([tuple(examples.humans[i] or ()) for i in labelled], labels)
    rows = {i: n for n, i in enumerate(labelled)}
    _, found = index_of(examples.vectors[labelled]).search(examples.vectors[queries], k + 1)
    shares, chances = [], []
    for query, nearest in zip(queries, found, strict=True):
        own = rows[query]
        others = [n for n in nearest if n != own][:k]
        alike = (matrix @ matrix[own]) > 0
        shares.append(alike[others].mean())
        chances.append((alike.sum() - 1) / (len(labelled) - 1))
    return float(np.mean(shares)), float(np.mean(chances)), len(queries)


def _classes(label: str) -> list[str]:
    return [label, f"not {label}"]


def _binary(
    examples: SimilarityExamples, evaluated: list[int], answers: dict[int, Prediction | None]
) -> tuple[list[str], list[str]]:
    """The human label and the prediction of each evaluated task: the label, or not."""
    yes, no = _classes(examples.label)
    truth = [yes if examples.carries[i] else no for i in evaluated]
    predicted = [yes if answers.get(int(examples.tasks[i])) else no for i in evaluated]
    return truth, predicted


def _outcome(
    examples: SimilarityExamples, i: int, answers: dict[int, Prediction | None], spec: TargetSpec
) -> OutcomeRow:
    """It is correct if the label is rightly predicted or not, whatever other labels there are."""
    label_type = label_types.of(spec)
    labels = tuple(sorted(examples.humans[i] or ()))
    human = labels if label_type.shape == "multiple" else labels[0] if labels else ""
    answer = answers[int(examples.tasks[i])]
    found = outcome_row(spec, int(examples.tasks[i]), answer, human)
    return replace(found, correct=bool(answer) == bool(examples.carries[i]))


def _exemplars(
    examples: SimilarityExamples, answers: dict[int, Prediction | None], spec: TargetSpec
) -> list[ExemplarRow]:
    """The tasks that would get the label and do not carry it, the most similar first."""
    found = [
        (answer.score, int(task))
        for task, carries in zip(examples.tasks, examples.carries, strict=True)
        if not carries and (answer := answers[int(task)])
    ]
    found.sort(key=lambda one: (-one[0], one[1]))
    return [
        ExemplarRow(spec.name, examples.label, task, score) for score, task in found[:MAX_EXEMPLARS]
    ]

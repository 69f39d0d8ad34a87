"""Evaluates a classifier's version on the holdout: its predictions, metrics and outcomes."""

from collections import Counter
from collections.abc import Collection, Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from mlapi import label_types
from mlapi.domain import Prediction, TargetSpec
from mlapi.eva.execute import write_table
from mlapi.eva.open import Eva
from mlapi.evaluation.comparison import PairedHoldout, PairedTarget
from mlapi.evaluation.evaluate import Holdout, Version, outcome_row, predict_table
from mlapi.label_types import shape_of, value_of
from mlapi.label_types.base import Evaluated
from mlapi.label_types.label_metrics import Log, row
from mlapi.labelstudio import visibility
from mlapi.pipelines.classification import dataset as datasets
from mlapi.pipelines.classification.dataset import ClassifierDataset, decode
from mlapi.pipelines.classification.function import ClassifierFunction
from mlapi.pipelines.classification.model import Classifier
from mlapi.pipelines.classification.out_of_fold import (
    MOST_HOLDOUT,
    Estimated,
    OutOfFold,
    PairedOutOfFold,
    estimates,
)
from mlapi.pipelines.classification.predictor import answers
from mlapi.run_folder.job import Chosen, TrainingJob
from registry.training_result import MetricRow, OutcomeRow


@dataclass
class HoldoutPredictions:
    """A version's predictions for one target: the answer and the probabilities by task id.

    `hidden` are tasks for which its other answers hide the control, so that it has none.
    """

    labels: tuple[str, ...]
    answers: dict[int, Prediction] = field(default_factory=dict)
    probabilities: dict[int, np.ndarray] = field(default_factory=dict)
    hidden: set[int] = field(default_factory=set)


@dataclass
class HoldoutTarget:
    """A target's tasks of the holdout: those with an input and a label that the config allows."""

    spec: TargetSpec
    tasks: list[int]
    humans: list[Any]
    excluded: int

    def without(self, tasks: Container[int]) -> "HoldoutTarget":
        """The target without these tasks."""
        kept = [i for i, task in enumerate(self.tasks) if task not in tasks]
        humans = [self.humans[i] for i in kept]
        return replace(self, tasks=[self.tasks[i] for i in kept], humans=humans)


class ClassifierHoldout(Holdout[Classifier, dict[str, HoldoutPredictions]]):
    """The holdout of a dataset, and the EvaDB table that it is in; predictions by control name."""

    primary_metric = "macro_f1"

    def __init__(
        self,
        eva: Eva,
        job: TrainingJob,
        dataset: ClassifierDataset,
        table: str,
        log: Log,
        out_of_fold: Mapping[str, Mapping[int, Prediction]],
    ) -> None:
        self._eva = eva
        self._log = log
        self._job = job
        self._dataset = dataset
        self._table = table
        self._targets = [holdout(dataset, spec) for spec in job.targets]
        # What other answers hide is known of the holdout only.
        self._out_of_fold = {
            t.spec.name: OutOfFold.of(dataset, t.spec, out_of_fold.get(t.spec.name, {}))
            for t in self._targets
            if len(t.tasks) < MOST_HOLDOUT and not t.spec.conditions
        }

    def predict(self, version: Version[Classifier]) -> dict[str, HoldoutPredictions] | None:
        # The new version, too, may read less than it was offered.
        modality = self._dataset.modality.with_input(version.model.input)
        if modality is self._dataset.modality:
            return predict_holdout(self._eva, self._job, version, self._dataset, self._table)
        dataset = datasets.build(modality, self._job.rows, self._job.targets, self._job.seed)
        if _has_inputs(self._dataset) and not _has_inputs(dataset):
            return None
        table = f"{self._table}_of_{version.number}"
        write_table(self._eva, table, dataset.holdout, dataset.types)
        return predict_holdout(self._eva, self._job, version, dataset, table)

    def chosen(self, predictions: dict[str, HoldoutPredictions]) -> Chosen:
        return {
            name: {task: label_types.classes_of(a) for task, a in found.answers.items()}
            for name, found in predictions.items()
        }

    def metrics(self, predictions: dict[str, HoldoutPredictions]) -> list[MetricRow]:
        """The primary one is the mean of the trained targets' macro F1."""
        rows: list[MetricRow] = []
        tasks: set[int] = set()
        for target in self._trained(predictions):
            found = predictions[target.spec.name]
            rows += metrics(target, found, self._dataset, self._job.seed, self._log)
            tasks.update(set(target.tasks) - found.hidden)
        scores = [r.value for r in rows if r.name == "macro_f1" and r.value is not None]
        mean = sum(scores) / len(scores) if scores else None
        return [*rows, row("primary", mean, len(tasks)), *self._estimates(predictions)]

    def _estimates(self, predictions: dict[str, HoldoutPredictions]) -> list[MetricRow]:
        """Of the training tasks out of fold, and of both splits together."""
        trained = self._trained(predictions)
        holdout = [
            Estimated(
                t.spec,
                t.tasks,
                t.humans,
                [value_of(predictions[t.spec.name].answers[task]) for task in t.tasks],
            )
            for t in (t.without(predictions[t.spec.name].hidden) for t in trained)
        ]
        folds = [
            Estimated(one.spec, one.tasks, one.humans, one.values)
            for one in self._out_of_fold.values()
            if one.tasks
        ]
        return estimates(holdout, folds, self._job.seed)

    def outcomes(self, predictions: dict[str, HoldoutPredictions]) -> list[OutcomeRow]:
        return [
            outcome
            for target in self._trained(predictions)
            for outcome in outcomes(target, predictions[target.spec.name])
        ]

    def out_of_fold(self) -> list[OutcomeRow]:
        return [outcome for one in self._out_of_fold.values() for outcome in one.outcomes()]

    def _trained(self, predictions: dict[str, HoldoutPredictions]) -> list[HoldoutTarget]:
        return [target for target in self._targets if target.spec.name in predictions]

    def own(self, predictions: dict[str, HoldoutPredictions]) -> Sequence[PairedTarget]:
        return paired(self._targets, predictions, predictions, {}).targets

    def paired(
        self,
        candidate: dict[str, HoldoutPredictions],
        champion: dict[str, HoldoutPredictions] | None,
    ) -> PairedHoldout:
        beside = {
            name: one.beside(self._job.champion)
            for name, one in self._out_of_fold.items()
            if self._job.champion and name in candidate and name in (champion or {})
        }
        return paired(self._targets, candidate, champion or {}, beside)


def _has_inputs(dataset: ClassifierDataset) -> bool:
    """Whether any task of the holdout has an input."""
    return any(dataset.holdout[c.input].notna().any() for c in dataset.columns.values())


def predict_holdout(
    eva: Eva, job: TrainingJob, version: Version[Classifier], dataset: ClassifierDataset, table: str
) -> dict[str, HoldoutPredictions]:
    """The version's predictions for the holdout, as it would be served today.

    By control name, for the targets that it has learned and that the config still has.
    """
    model, today = version.model, {target.name: target for target in job.targets}
    found = {
        t.spec.name: HoldoutPredictions(t.spec.labels)
        for t in model.targets
        if t.spec.name in today and shape_of(today[t.spec.name]) == shape_of(t.spec)
    }
    if not found or dataset.holdout.empty:
        return found
    columns = {t: dataset.columns[t].input for t in found}
    arguments = list(dict.fromkeys(columns.values()))
    inputs = [
        arguments.index(columns[t.spec.name]) if t.spec.name in found else -1 for t in model.targets
    ]
    predicted = predict_table(
        eva,
        job,
        version,
        ClassifierFunction,
        table,
        arguments,
        inputs=",".join(map(str, inputs)),
    )
    rows = np.stack(predicted["probabilities"].tolist())
    for target, part in zip(model.targets, model.slices(), strict=True):
        if target.spec.name in found:
            spec = replace(target.spec, kind=today[target.spec.name].kind)
            predictions = answers(spec, rows[:, part], weights=target.weights)
            _add_predictions(found[spec.name], predicted["id"].tolist(), predictions, rows[:, part])
    _hide(found, job.targets, job.chosen_elsewhere(version.number))
    return found


def _hide(
    found: dict[str, HoldoutPredictions], targets: Sequence[TargetSpec], elsewhere: Chosen
) -> None:
    """Take away the answers of controls that the other answers for the same task hide."""
    conditional = [t.name for t in targets if t.conditions and t.name in found]
    tasks = {task for name in conditional for task in found[name].answers}
    for task in sorted(tasks):
        served = {t.name: _served(found, t, task) for t in targets}
        chosen: dict[str, Collection[str]] = {
            t.name: [] if (value := served[t.name]) is None else label_types.of(t).classes(value)
            for t in targets
        }
        chosen |= {name: of_tasks.get(task, ()) for name, of_tasks in elsewhere.items()}
        visible = visibility.visible_controls(targets, chosen)
        for name in conditional:
            if name not in visible and found[name].answers.pop(task, None) is not None:
                del found[name].probabilities[task]
                found[name].hidden.add(task)


def _add_predictions(
    found: HoldoutPredictions,
    tasks: list[int],
    predictions: Sequence[Prediction | None],
    rows: np.ndarray,
) -> None:
    for task, prediction, probabilities in zip(tasks, predictions, rows, strict=True):
        if prediction is not None:
            found.answers[task] = prediction
            found.probabilities[task] = probabilities


def holdout(dataset: ClassifierDataset, spec: TargetSpec) -> HoldoutTarget:
    """The tasks on which the target is evaluated."""
    columns = dataset.columns[spec.name]
    frame = dataset.holdout[
        dataset.holdout[columns.input].notna() & dataset.holdout[columns.label].notna()
    ]
    humans = [decode(label, spec) for label in frame[columns.label]]
    return HoldoutTarget(spec, frame["id"].tolist(), humans, dataset.excluded[spec.name])


def metrics(
    target: HoldoutTarget,
    predictions: HoldoutPredictions,
    dataset: ClassifierDataset,
    seed: int,
    log: Log,
) -> list[MetricRow]:
    """The metric rows of a trained target, over the tasks for which it is not hidden."""
    spec, target = target.spec, target.without(predictions.hidden)
    probabilities = np.array([predictions.probabilities[t] for t in target.tasks])
    label_type = label_types.of(spec)
    evaluated = Evaluated(
        truth=target.humans,
        predicted=[value_of(predictions.answers[t]) for t in target.tasks],
        labels=predictions.labels,
        unlearned=[label for label in spec.labels if label not in predictions.labels],
        baseline=_majority(dataset, spec),
        probabilities=probabilities,
        seed=seed,
        log=log,
    )
    return [replace(r, target=spec.name) for r in label_type.metrics(evaluated)]


def outcomes(target: HoldoutTarget, predictions: HoldoutPredictions) -> list[OutcomeRow]:
    """The version's answer and the human label of each evaluated task."""
    target = target.without(predictions.hidden)
    return [
        outcome_row(target.spec, task, predictions.answers[task], human)
        for task, human in zip(target.tasks, target.humans, strict=True)
    ]


def paired(
    targets: list[HoldoutTarget],
    candidate: dict[str, HoldoutPredictions],
    champion: dict[str, HoldoutPredictions],
    out_of_fold: Mapping[str, PairedOutOfFold],
) -> PairedHoldout:
    """Both on the targets that either has learned; without a target a version has no answers.

    On the tasks of the holdout, and on those that both have predicted `out_of_fold`.

    A task for which one of them hides a control has no part in that control's comparison.
    """
    targets = [
        t.without(
            {
                task
                for p in (candidate, champion)
                if t.spec.name in p
                for task in p[t.spec.name].hidden
            }
        )
        for t in targets
    ]
    serves = any(
        set(champion[t.spec.name].labels) & set(t.spec.labels)
        for t in targets
        if t.spec.name in champion
    )
    both = []
    for t in targets:
        if t.spec.name not in candidate and t.spec.name not in champion:
            continue
        more = out_of_fold.get(t.spec.name) or PairedOutOfFold([], [], [], [])
        one = PairedTarget.of(
            t.spec.name,
            t.spec.kind,
            [*t.tasks, *more.tasks],
            [*t.humans, *more.humans],
            [*(_served(candidate, t.spec, task) for task in t.tasks), *more.candidate],
            [*(_served(champion, t.spec, task) for task in t.tasks), *more.champion],
            t.excluded,
            more.tasks,
        )
        both.append(one)
    return PairedHoldout(both, serves)


def _served(predictions: dict[str, HoldoutPredictions], spec: TargetSpec, task: int) -> Any | None:
    """The value as it would be served: none if it has a label that is not allowed."""
    found = predictions.get(spec.name)
    answer = found.answers.get(task) if found else None
    if answer is None:
        return None
    value = value_of(answer)
    return value if label_types.of(spec).is_allowed(value, spec.labels) else None


def _majority(dataset: ClassifierDataset, spec: TargetSpec) -> Any:
    """The most common label, or set of them, of the training split."""
    columns = dataset.columns[spec.name]
    values = dataset.train.loc[dataset.train[columns.fold] >= 0, columns.label]
    most = max(sorted(Counter(values).items()), key=lambda item: item[1])[0]
    return decode(most, spec)

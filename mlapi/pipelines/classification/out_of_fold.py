"""Predictions for training tasks by estimators that have not seen them, to evaluate a version on.

With few labels the holdout alone says little: cross-validation scores every labelled task
(Stone, Cross-validatory choice and assessment of statistical predictions, 1974). The estimators
are those of the model selection, each fitted on four fifths of the training tasks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mlapi import label_types
from mlapi.domain import Prediction, TargetSpec
from mlapi.evaluation.comparison import PairedTarget, own_interval
from mlapi.evaluation.evaluate import outcome_row
from mlapi.label_types import value_of
from mlapi.label_types.label_metrics import row
from mlapi.pipelines.classification.dataset import ClassifierDataset, decode
from mlapi.run_folder.job import Champion
from registry.training_result import COMBINED, OUT_OF_FOLD, MetricRow, OutcomeRow

# From so many holdout tasks on its own score is as sure, and no training task's is recorded.
MOST_HOLDOUT = 200


@dataclass(frozen=True)
class OutOfFold:
    """A target's training tasks with such a prediction, and their human labels."""

    spec: TargetSpec
    tasks: list[int]
    humans: list[Any]
    answers: dict[int, Prediction]

    @classmethod
    def of(
        cls, dataset: ClassifierDataset, spec: TargetSpec, answers: Mapping[int, Prediction]
    ) -> "OutOfFold":
        """The tasks of the training split that have one of the `answers`, by task id."""
        label = dataset.columns[spec.name].label
        train = dataset.train[
            dataset.train["id"].isin(list(answers)) & dataset.train[label].notna()
        ]
        tasks = train["id"].tolist()
        humans = [decode(text, spec) for text in train[label]]
        return cls(spec, tasks, humans, {task: answers[task] for task in tasks})

    @property
    def values(self) -> list[Any]:
        """What was predicted, in the order of the tasks."""
        return [value_of(self.answers[task]) for task in self.tasks]

    def outcomes(self) -> list[OutcomeRow]:
        """The prediction and the human label of each task."""
        return [
            outcome_row(self.spec, task, self.answers[task], human)
            for task, human in zip(self.tasks, self.humans, strict=True)
        ]

    def beside(self, champion: Champion) -> "PairedOutOfFold":
        """The tasks for which the champion has such a prediction too, recorded by its run."""
        recorded = champion.out_of_fold.get(self.spec.name, {})
        names = champion.names.get(self.spec.name, {})
        label_type = label_types.of(self.spec)
        found = PairedOutOfFold([], [], [], [])
        for task, human, own in zip(self.tasks, self.humans, self.values, strict=True):
            if str(task) not in recorded:
                continue
            value = label_type.from_json(recorded[str(task)])
            value = value if value is None or not names else label_type.renamed(value, names)
            is_allowed = value is not None and label_type.is_allowed(value, self.spec.labels)
            found.tasks.append(task)
            found.humans.append(human)
            found.candidate.append(own)
            found.champion.append(value if is_allowed else None)
        return found


@dataclass(frozen=True)
class PairedOutOfFold:
    """Training tasks with the predictions of both that had not seen them."""

    tasks: list[int]
    humans: list[Any]
    candidate: list[Any]
    champion: list[Any]


@dataclass(frozen=True)
class Estimated:
    """A target's tasks of one split: their ids, human labels and what was predicted."""

    spec: TargetSpec
    tasks: Sequence[int]
    humans: Sequence[Any]
    values: Sequence[Any]


def estimates(
    holdout: Sequence[Estimated], out_of_fold: Sequence[Estimated], seed: int
) -> list[MetricRow]:
    """Each target's metric out of fold, and combined with the holdout; the means of both.

    The mean of the combined ones has its 95 % interval, as that of the holdout has. Nothing where a
    target has no such prediction: the means are over all targets.
    """
    by_name = {one.spec.name: one for one in out_of_fold}
    if not holdout or any(one.spec.name not in by_name for one in holdout):
        return []
    folds = [by_name[one.spec.name] for one in holdout]
    both = [_joined(one, fold) for one, fold in zip(holdout, folds, strict=True)]
    return [
        *_rows(folds, OUT_OF_FOLD),
        *_rows(both, COMBINED),
        *_interval(both, seed),
    ]


def _joined(one: Estimated, other: Estimated) -> Estimated:
    return Estimated(
        one.spec,
        [*one.tasks, *other.tasks],
        [*one.humans, *other.humans],
        [*one.values, *other.values],
    )


def _rows(targets: Sequence[Estimated], split: str) -> list[MetricRow]:
    found = [
        replace(
            row(label_types.of(t.spec).metric, _value(t), len(t.tasks)),
            target=t.spec.name,
            split=split,
        )
        for t in targets
    ]
    values = [one.value for one in found if one.value is not None]
    mean = sum(values) / len(values) if values else None
    return [*found, replace(row("primary", mean, _count(targets)), split=split)]


def _value(target: Estimated) -> float | None:
    if not target.tasks:
        return None
    return float(_score(target)(np.ones((1, len(target.tasks))))[0])


def _score(target: Estimated) -> Any:
    label_type = label_types.of(target.spec)
    return label_type.scores(target.humans, target.values)[label_type.metric]


def _count(targets: Sequence[Estimated]) -> int:
    return len({task for target in targets for task in target.tasks})


def _interval(targets: Sequence[Estimated], seed: int) -> list[MetricRow]:
    paired = [
        PairedTarget.of(t.spec.name, t.spec.kind, t.tasks, t.humans, t.values, t.values)
        for t in targets
    ]
    ends = zip(
        ("primary_low", "primary_high"), own_interval(paired, seed) or (None, None), strict=True
    )
    return [replace(row(name, end, _count(targets)), split=COMBINED) for name, end in ends]

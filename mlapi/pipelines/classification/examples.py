"""The labelled examples of a target: candidates are fitted on them and scored by them."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from mlapi.domain import TargetSpec
from mlapi.label_types import shape_of
from mlapi.pipelines.classification.candidates import UNSEEN, Candidate, Estimator
from mlapi.pipelines.classification.dataset import Modality, decode
from registry.statistics import macro_f1


@dataclass
class TargetExamples:
    """A target's usable training examples. `labels` is as `Candidate.fit` takes labels.

    `unlearned` counts the labels of the config that none of them has.
    """

    modality: Modality
    spec: TargetSpec
    inputs: list[Any]
    labels: np.ndarray
    fold: np.ndarray
    unlearned: int = 0
    truth: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        single = shape_of(self.spec) == "single"
        self.truth = np.eye(len(self.spec.labels))[self.labels] if single else self.labels

    def fit(self, candidate: Candidate, rows: np.ndarray) -> Estimator:
        """The candidate fitted where the mask is set. Raises whatever it raises."""
        spec = self.spec
        fitted = candidate.fit(self.at(rows), self.labels[rows], len(spec.labels), shape_of(spec))
        if fitted is None:
            raise ValueError("It fitted nothing.")
        return fitted

    def scores(self, estimator: Estimator, rows: np.ndarray) -> np.ndarray:
        """(n, labels) of the examples where the mask is set. Raises ValueError for no numbers."""
        scores = np.asarray(estimator.scores(self.at(rows)), dtype=float)
        expected = (int(rows.sum()), len(self.spec.labels))
        if scores.shape != expected:
            raise ValueError(f"Its scores have the shape {scores.shape} instead of {expected}.")
        if not np.isfinite(scores).all():
            raise ValueError("Some of its scores are no finite numbers.")
        return scores

    def at(self, rows: np.ndarray) -> list[Any]:
        """The inputs where the mask is set."""
        return [self.inputs[i] for i in np.flatnonzero(rows)]

    def score(self, scores: np.ndarray, rows: np.ndarray) -> float:
        """Macro F1 of the labels with the highest scores, before they are calibrated."""
        return macro_f1(self.truth[rows], self._predicted(scores)) or 0.0

    def correct(self, scores: np.ndarray) -> np.ndarray:
        """(n,): the share of each example's labels that its scores predict; 0 or 1 of a choice."""
        right = self._predicted(scores) == self.truth
        single = shape_of(self.spec) == "single"
        return right.all(axis=1).astype(float) if single else right.mean(axis=1)

    def _predicted(self, scores: np.ndarray) -> np.ndarray:
        if shape_of(self.spec) == "single":
            return np.eye(len(self.spec.labels))[scores.argmax(axis=1)]
        return (scores > 0).astype(float)

    def out_of_fold(self, candidate: Candidate) -> np.ndarray:
        """(n, labels): each example's scores from an estimator that has not seen it."""
        scores = np.full(self.truth.shape, UNSEEN)
        for k in np.unique(self.fold):
            out = self.fold == k
            if not out.all():
                scores[out] = self.scores(self.fit(candidate, ~out), out)
        return scores


def read_examples(
    modality: Modality, spec: TargetSpec, frame: pd.DataFrame, unlearned: int = 0
) -> TargetExamples:
    """The rows of EvaDB's SELECT: input, label, fold. `spec.labels` are those learned."""
    number = {label: i for i, label in enumerate(spec.labels)}
    humans = [decode(label, spec) for label in frame["label"]]
    if shape_of(spec) == "single":
        labels = np.array([number[human] for human in humans], dtype=int)
    else:
        labels = np.zeros((len(humans), len(number)), dtype=int)
        for i, human in enumerate(humans):
            labels[i, [number[label] for label in human]] = 1
    fold = frame["fold"].to_numpy(dtype=int)
    return TargetExamples(modality, spec, frame["input"].tolist(), labels, fold, unlearned)

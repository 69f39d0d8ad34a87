"""A loaded classifier: task data in, answers out.

Imports EvaDB only where a predictor is made without an `evaluate` of its own, because exports have
this module and no EvaDB.
"""

from collections.abc import Sequence
from itertools import compress
from typing import Any

import numpy as np

from mlapi import label_types
from mlapi.domain import InputError, NoPrediction, Prediction, TargetSpec
from mlapi.images.features import InputSource
from mlapi.label_types import shape_of
from mlapi.pipelines.classification.model import Classifier
from mlapi.pipelines.predictor import Evaluate, Predictor

THRESHOLD = 0.5  # of the calibrated probability of each label of a set


def answers(
    spec: TargetSpec,
    probabilities: np.ndarray,
    kind: str = "",
    weights: np.ndarray | None = None,
) -> list[Prediction | None]:
    """One prediction for each row of (n, labels); None for a row of NaN, which had no input.

    The score of one label is its probability; that of a set is the probability of its least
    sure decision, to take a label or to leave it. The margin is that between the two likeliest
    labels, or between taking and leaving. `kind` is the label type that the control has today, if
    another than it was learned with. With `weights`, (labels,) or of each row, that label of one
    is predicted whose probability times its weight is highest, and the margin is that of these
    products as shares of their sum; the score stays its probability.
    """
    label_type = label_types.get(kind or spec.kind)
    is_single = label_type.shape == "single"
    read = _single(spec, probabilities, weights) if is_single else _multiple(spec, probabilities)
    return [None if found is None else label_type.prediction(spec.name, *found) for found in read]


def _single(
    spec: TargetSpec, probabilities: np.ndarray, weights: np.ndarray | None
) -> list[tuple[str, float, float] | None]:
    missing = np.isnan(probabilities).any(axis=1)
    known = np.where(missing[:, None], 0.0, probabilities)
    decided = known.copy()
    if weights is not None:
        decided *= weights
        decided /= np.maximum(decided.sum(axis=1, keepdims=True), 1e-12)
    rows, best = np.arange(len(known)), decided.argmax(axis=1)
    scores, firsts = known[rows, best], decided[rows, best]
    decided[rows, best] = 0.0
    margins = firsts - decided.max(axis=1)
    found = (best.tolist(), scores.tolist(), margins.tolist(), missing.tolist())
    return [
        None if absent else (spec.labels[i], score, margin)
        for i, score, margin, absent in zip(*found, strict=True)
    ]


def _multiple(
    spec: TargetSpec, probabilities: np.ndarray
) -> list[tuple[tuple[str, ...], float, float] | None]:
    missing = np.isnan(probabilities).any(axis=1)
    taken = probabilities >= THRESHOLD
    sure = np.where(taken, probabilities, 1 - probabilities).min(axis=1)
    rows = zip(taken.tolist(), sure.tolist(), missing.tolist(), strict=True)
    return [
        None if absent else (tuple(sorted(compress(spec.labels, chosen))), score, 2 * score - 1)
        for chosen, score, absent in rows
    ]


Answers = dict[str, Prediction | NoPrediction]


class ClassifierPredictor(Predictor):
    """Evaluates the version in this process, one column for each target.

    By its EvaDB function, or by `evaluate`, which takes the columns and returns the function's one
    output.
    """

    def __init__(self, model: Classifier, evaluate: Evaluate | None = None) -> None:
        self.model = model
        self.targets = tuple(t.spec for t in model.targets)
        self.nbytes = model.nbytes
        self._slices = model.slices()
        self._evaluate = evaluate or _by_evadb(model)

    def predict(
        self,
        rows: Sequence[dict[str, Any]],
        specs: Sequence[TargetSpec] | None = None,
        store: InputSource | None = None,
    ) -> list[Answers]:
        specs_by_name = {spec.name: spec for spec in (self.targets if specs is None else specs)}
        found: list[Answers] = [{} for _ in rows]
        served = [i for i, t in enumerate(self.targets) if serves(t, specs_by_name.get(t.name))]
        if not rows or not served:
            return found
        inputs: list[list[Any]] = [[None] * len(rows) for _ in self.targets]
        for i in served:
            spec = specs_by_name[self.targets[i].name]
            inputs[i] = _without_errors(self.model.input.read_all(rows, spec, store), spec, found)
        (by_row,) = self._evaluate(*inputs)
        probabilities = np.concatenate(by_row).reshape(len(rows), -1)
        for i in served:
            spec = self.targets[i]
            for row, answer in enumerate(
                answers(
                    spec,
                    probabilities[:, self._slices[i]],
                    specs_by_name[spec.name].kind,
                    self.model.targets[i].weights,
                )
            ):
                if answer is not None:
                    found[row][spec.name] = answer
        return found


def _by_evadb(model: Classifier) -> Evaluate:
    from mlapi.eva.online import OnlineFunction
    from mlapi.pipelines.classification.function import ClassifierFunction

    columns = [f"input_{i}" for i in range(len(model.targets))]
    function = ClassifierFunction()
    function.model = model
    return OnlineFunction(function, "classifier", columns, ["probabilities"]).evaluate


def serves(learned: TargetSpec, today: TargetSpec | None) -> bool:
    """Whether the control is still in the config, and takes one label or several as it did."""
    return today is not None and shape_of(today) == shape_of(learned)


def _without_errors(inputs: list[Any], spec: TargetSpec, found: list[Answers]) -> list[Any]:
    """The inputs, None in place of an error, which becomes the row's NoPrediction."""
    for i, value in enumerate(inputs):
        if isinstance(value, InputError):
            found[i][spec.name] = NoPrediction(spec.name, value.code, value.message)
            inputs[i] = None
    return inputs

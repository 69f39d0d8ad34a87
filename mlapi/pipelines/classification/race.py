"""The race of the recipes for one target: all on the same examples, one winner, refitted."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from mlapi.domain import TargetSpec
from mlapi.eva.execute import StatementFailed
from mlapi.pipelines.classification import calibration
from mlapi.pipelines.classification.automl import AUTOML, AutoML
from mlapi.pipelines.classification.candidates import UNSEEN, Estimator, Recipe
from mlapi.pipelines.classification.dataset import Modality, decode
from mlapi.pipelines.classification.model import TrainedTarget
from registry.f1 import macro_f1
from registry.training_result import Candidate

FEW = 200  # below, one fifth of the examples judges nothing: all five folds do, without AutoML
ENOUGH = 1_000  # unseen scores that place a calibration: then no more folds are fitted for it


class NothingFitted(Exception):
    """Every recipe failed, which the message tells."""


@dataclass
class Examples:
    """A target's usable training examples. `wanted` is as `Recipe.fit` takes labels."""

    modality: Modality
    spec: TargetSpec
    inputs: list[Any]
    wanted: np.ndarray
    fold: np.ndarray
    truth: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        single = self.spec.kind == "single"
        self.truth = np.eye(len(self.spec.labels))[self.wanted] if single else self.wanted

    def fit(self, recipe: Recipe, rows: np.ndarray) -> Estimator:
        spec = self.spec
        return recipe.fit(self.at(rows), self.wanted[rows], len(spec.labels), spec.kind)

    def at(self, rows: np.ndarray) -> list[Any]:
        """The inputs where the mask is set."""
        return [self.inputs[i] for i in np.flatnonzero(rows)]

    def score(self, scores: np.ndarray, rows: np.ndarray) -> float:
        """Macro F1 of what the scores say, before they are calibrated."""
        if self.spec.kind == "single":
            said = np.eye(len(self.spec.labels))[scores.argmax(axis=1)]
        else:
            said = (scores > 0).astype(float)
        return macro_f1(self.truth[rows], said) or 0.0

    def out_of_fold(self, recipe: Recipe) -> np.ndarray:
        """(n, labels): each example's scores from an estimator that has not seen it."""
        scores = np.full(self.truth.shape, UNSEEN)
        for k in np.unique(self.fold):
            out = self.fold == k
            if not out.all():
                scores[out] = self.fit(recipe, ~out).scores(self.at(out))
        return scores


@dataclass
class Raced:
    """What came out: the fitted target, and a row for each candidate."""

    trained: TrainedTarget
    recipe: str
    candidates: list[Candidate]


def examples(modality: Modality, spec: TargetSpec, frame: pd.DataFrame) -> Examples:
    """From the rows of EvaDB's SELECT: input, label, fold. `spec.labels` are those learned."""
    number = {label: i for i, label in enumerate(spec.labels)}
    said = [decode(label, spec) for label in frame["label"]]
    if spec.kind == "single":
        wanted = np.array([number[s[0]] for s in said], dtype=int)
    else:
        wanted = np.zeros((len(said), len(number)), dtype=int)
        for i, labels in enumerate(said):
            wanted[i, [number[label] for label in labels]] = 1
    fold = frame["fold"].to_numpy(dtype=int)
    return Examples(modality, spec, frame["input"].tolist(), wanted, fold)


def race(
    given: Examples,
    automl: AutoML | None,
    automl_note: str,
    automl_seconds: float,
    on_candidate: Callable[[str], None] = lambda name: None,
) -> Raced:
    """Score every recipe, refit the best on all examples, calibrate it on unseen scores.

    `automl` is None where it does not race, and the note says why. It gets half of its
    seconds for the race and the other half for the refit. Raises NothingFitted.
    """
    few = len(given.inputs) < FEW
    seconds = automl_seconds / 2
    entries = [_scored(given, recipe, few, on_candidate) for recipe in given.modality.recipes]
    if automl is not None:
        automl_note = _why_no_automl(given, entries, seconds)
    if automl_note:
        entries.append(_Entry(AUTOML, None, 0.0, 0, automl_note))
    elif automl is not None:
        entries.append(_automl(given, automl, seconds, on_candidate))
    best, trained = _refit_best(given, automl, entries, seconds, on_candidate)
    return Raced(trained, best.name, [_candidate(e, given.spec, e is best) for e in entries])


@dataclass
class _Entry:
    name: str
    score: float | None
    seconds: float
    n: int
    note: str = ""
    scores: np.ndarray | None = None  # of the examples that it was scored on


def _scored(
    given: Examples, recipe: Recipe, few: bool, on_candidate: Callable[[str], None]
) -> _Entry:
    on_candidate(recipe.name)
    started = time.perf_counter()
    held = np.ones(len(given.inputs), dtype=bool) if few else given.fold == 0
    if recipe.takes_too_long(given.inputs, len(given.spec.labels)):
        return _Entry(recipe.name, None, 0.0, 0, "Left out: it would take minutes for each fit.")
    try:
        scores = (
            given.out_of_fold(recipe) if few else given.fit(recipe, ~held).scores(given.at(held))
        )
    except ValueError as e:  # scikit-learn's word for data that it cannot be fitted on
        return _Entry(recipe.name, None, time.perf_counter() - started, 0, f"Failed: {e}")
    note = "5-fold" if few else ""
    score = given.score(scores, held)
    spent = time.perf_counter() - started
    return _Entry(recipe.name, score, spent, int(held.sum()), note, scores)


def _why_no_automl(given: Examples, entries: list[_Entry], seconds: float) -> str:
    """Why AutoML cannot race in its seconds; "" if it can."""
    if len(given.inputs) < FEW:
        return f"Left out under {FEW} examples."
    if given.modality.columns_take_too_long(given.inputs):
        return "Left out: its features would take minutes."
    # Its features are made of the same vectors, once to fit and once more in EvaDB.
    features = 2 * max((e.seconds for e in entries), default=0.0)
    if features > seconds:
        return (
            f"Left out: its features would take {features:.0f} of its {seconds:.0f} s. "
            "Raise the time budget."
        )
    return ""


def _automl(
    given: Examples, automl: AutoML, seconds: float, on_candidate: Callable[[str], None]
) -> _Entry:
    on_candidate(AUTOML)
    started = time.perf_counter()
    held = given.fold == 0
    where = f"{automl.columns.fold} = 0"
    try:
        others = f"{automl.columns.fold} > 0"
        estimator = automl.fit("race", given.at(~held), others, seconds)
        said = automl.predict("race", where)["label"].tolist()
    except (StatementFailed, ValueError) as e:
        return _Entry(AUTOML, None, time.perf_counter() - started, 0, f"Failed: {e}"[:500])
    number = {label: i for i, label in enumerate(given.spec.labels)}
    answered = np.eye(len(number))[[number[label] for label in said]]
    score = macro_f1(given.truth[held], answered) or 0.0
    spent = time.perf_counter() - started
    return _Entry(AUTOML, score, spent, int(held.sum()), "", estimator.scores(given.at(held)))


def _refit_best(
    given: Examples,
    automl: AutoML | None,
    entries: list[_Entry],
    seconds: float,
    on_candidate: Callable[[str], None],
) -> tuple[_Entry, TrainedTarget]:
    """The best candidate that can be fitted on all examples, and what it then is."""
    finished = [e for e in entries if e.score is not None]
    for best in sorted(finished, key=lambda e: e.score, reverse=True):
        on_candidate(f"refit: {best.name}")
        if best.name != AUTOML:
            return best, _refit(given, best)
        try:
            return best, _refit_automl(given, automl, best, seconds)
        except (StatementFailed, ValueError) as e:
            best.note = f"Failed when it was refitted: {e}"[:500]
    raise NothingFitted("; ".join(e.note for e in entries))


def _refit(given: Examples, best: _Entry) -> TrainedTarget:
    """Calibrated on the race's scores if they are enough, else on those out of every fold."""
    recipe = recipe_of(given.modality, best.name)
    whole = np.ones(len(given.inputs), dtype=bool)
    if best.n == len(given.inputs):
        scores, wanted = best.scores, given.wanted
    elif best.n >= ENOUGH:
        scores, wanted = best.scores, given.wanted[given.fold == 0]
    else:
        scores, wanted = given.out_of_fold(recipe), given.wanted
    fitted = calibration.fit(scores, wanted, given.spec.kind)
    return TrainedTarget(given.spec, given.fit(recipe, whole), fitted)


def recipe_of(modality: Modality, name: str) -> Recipe:
    """The recipe of that name, which the modality has."""
    return next(recipe for recipe in modality.recipes if recipe.name == name)


def _refit_automl(given: Examples, automl: AutoML, best: _Entry, seconds: float) -> TrainedTarget:
    """Calibrated on the fifth that the race's fit had not seen: five more fits take too long."""
    fitted = calibration.fit(best.scores, given.wanted[given.fold == 0], given.spec.kind)
    estimator = automl.fit("best", given.inputs, f"{automl.columns.fold} >= 0", seconds)
    return TrainedTarget(given.spec, estimator, fitted)


def _candidate(entry: _Entry, spec: TargetSpec, won: bool) -> Candidate:
    return Candidate(
        target=spec.name,
        name=entry.name,
        score=entry.score,
        metric="macro_f1",
        seconds=round(entry.seconds, 3),
        n=entry.n,
        note=entry.note,
        won=won,
    )

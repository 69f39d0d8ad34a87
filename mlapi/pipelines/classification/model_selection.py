"""Selects a target's model: scores every candidate on the same examples, and refits the best."""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np

from mlapi import label_types
from mlapi.domain import TargetSpec
from mlapi.eva.execute import StatementFailed
from mlapi.label_types import shape_of
from mlapi.pipelines.classification import calibration, decision
from mlapi.pipelines.classification.automl import AUTOML, AutoML
from mlapi.pipelines.classification.candidates import Candidate
from mlapi.pipelines.classification.dataset import Modality
from mlapi.pipelines.classification.decision import DecisionRule
from mlapi.pipelines.classification.examples import TargetExamples
from mlapi.pipelines.classification.model import TrainedTarget
from mlapi.pipelines.classification.run_plan import AUTOML_MIN_EXAMPLES
from mlapi.pipelines.classification.time_limit import time_limit
from registry.statistics import macro_f1
from registry.training_result import CandidateRow

# Up to so many examples candidates are compared on all five folds: a fifth alone of 200 chooses one
# that is 2 points worse, of 1,000 half a point (`benchmarks/text_quality.py`).
MOST_CROSS_VALIDATED = 1_000
MIN_UNSEEN = 1_000  # scores of unseen examples with which no more folds are fitted to calibrate
_NO_LIMIT_S = 86_400.0
_TRIED = 100  # examples that a refitted candidate is tried on
_NOTE_MAX = 500  # characters
_LOST_LATELY = "Left out: it lost clearly when it was last fitted."


class NothingFitted(Exception):
    """Every candidate failed; the message has the reason of each."""


@dataclass
class Selection:
    """The fitted target, the name of the best candidate, and a row for each candidate.

    `out_of_fold` are the examples' probabilities, (n, labels), by estimators of that candidate that
    had not seen them; None where there are no such ones. `out_of_fold_weights`, (n, labels),
    are those of the decision among them, fitted without the example's fold; None where the
    likeliest label is predicted. `decision` says for people how the target decides, "" there.
    """

    trained: TrainedTarget
    candidate: str
    candidates: list[CandidateRow]
    out_of_fold: np.ndarray | None = None
    out_of_fold_weights: np.ndarray | None = None
    decision: str = ""


def select_model(
    examples: TargetExamples,
    automl: AutoML | None,
    automl_note: str,
    automl_seconds: float,
    on_candidate: Callable[[str], None] = lambda name: None,
    limit_s: float = _NO_LIMIT_S,
    left_out: Collection[str] = (),
    is_balanced: bool = True,
) -> Selection:
    """Score every candidate, refit the best on all examples, calibrate it on unseen scores.

    Where that raises macro F1 rare labels count more in its decision, if `is_balanced`.

    `automl` is None where it takes no part, and the note says why. It gets half of its
    seconds to be scored, on one fold as all are then, and the other half for the refit; each other
    candidate gets `limit_s` for either. A candidate that fails, in whatever way, has the reason in
    its note, and the others go on. Those that are `left_out` are fitted only where no other can
    be. Raises NothingFitted.
    """
    # On all folds; else on one.
    is_cross_validated = len(examples.inputs) < AUTOML_MIN_EXAMPLES or (
        automl is None and len(examples.inputs) <= MOST_CROSS_VALIDATED
    )
    seconds = automl_seconds / 2
    n_labels = len(examples.spec.labels)
    scored = [
        _Scored(candidate.name, None, 0.0, 0, _LOST_LATELY)
        if candidate.name in left_out
        else _score(examples, candidate, is_cross_validated, on_candidate, limit_s)
        for candidate in examples.modality.candidates_for(examples.inputs, n_labels)
    ]
    if left_out and all(e.score is None for e in scored):
        scored = [
            _score(
                examples,
                candidate_named(examples.modality, e.name),
                is_cross_validated,
                on_candidate,
                limit_s,
            )
            if e.name in left_out
            else e
            for e in scored
        ]
    if automl is not None:
        automl_note = _why_not_automl(examples, scored, seconds)
    if automl_note:
        scored.append(_Scored(AUTOML, None, 0.0, 0, automl_note))
    elif automl is not None:
        scored.append(_automl(examples, automl, seconds, on_candidate))
    best, trained = _refit_best(examples, automl, scored, seconds, on_candidate, limit_s)
    rule = _decision_rule(examples, best, trained) if is_balanced else None
    unseen = _out_of_fold(examples, best, trained)
    weights = None
    if rule is not None:
        trained.weights = rule.weights
        best.note = "; ".join(filter(None, [best.note, rule.note]))[:_NOTE_MAX]
        if unseen is not None:
            weights = decision.out_of_fold_weights(unseen, examples.labels, examples.fold)
    rows = [_candidate(e, examples.spec, e is best) for e in scored]
    note = rule.note if rule else ""
    return Selection(trained, best.name, rows, unseen, weights, note)


def _decision_rule(
    examples: TargetExamples, best: "_Scored", trained: TrainedTarget
) -> DecisionRule | None:
    """Fitted on the unseen examples that the target is calibrated on. None for sets of labels."""
    label_type = label_types.of(examples.spec)
    if label_type.shape != "single" or label_type.metric != "macro_f1" or best.scores is None:
        return None
    is_whole = len(best.scores) == len(examples.inputs)
    labels = examples.labels if is_whole else examples.labels[examples.fold == 0]
    return decision.fit(trained.calibration.probabilities(best.scores), labels)


def _out_of_fold(
    examples: TargetExamples, best: "_Scored", trained: TrainedTarget
) -> np.ndarray | None:
    scores = best.scores
    if scores is None or len(scores) < len(examples.inputs) or len(np.unique(examples.fold)) < 2:
        return None
    return trained.calibration.probabilities(scores)


@dataclass
class _Scored:
    name: str
    score: float | None
    seconds: float
    n: int
    note: str = ""
    scores: np.ndarray | None = None  # of the examples that it was scored or calibrated on


def _score(
    examples: TargetExamples,
    candidate: Candidate,
    is_cross_validated: bool,
    on_candidate: Callable[[str], None],
    limit_s: float,
) -> _Scored:
    on_candidate(candidate.name)
    started = time.perf_counter()
    validation = (
        np.ones(len(examples.inputs), dtype=bool) if is_cross_validated else examples.fold == 0
    )
    try:
        if candidate.takes_too_long(examples.inputs, len(examples.spec.labels)):
            note = "Left out: it would take minutes for each fit."
            return _Scored(candidate.name, None, 0.0, 0, note)
        with time_limit(limit_s):
            scores = (
                examples.out_of_fold(candidate)
                if is_cross_validated
                else examples.scores(examples.fit(candidate, ~validation), validation)
            )
            score = examples.score(scores, validation)
    except Exception as e:  # noqa: BLE001 - the other candidates go on
        return _failed(candidate.name, started, e)
    note = f"{len(np.unique(examples.fold))}-fold" if is_cross_validated else ""
    spent = time.perf_counter() - started
    return _Scored(candidate.name, score, spent, int(validation.sum()), note, scores)


def _failed(name: str, started: float, error: Exception) -> _Scored:
    spent = time.perf_counter() - started
    return _Scored(name, None, spent, 0, f"Failed: {_reason(error)}"[:_NOTE_MAX])


def _reason(error: Exception) -> str:
    """The error in one line; with its type unless it is one that is raised with a sentence."""
    text = str(error)
    if text and isinstance(error, StatementFailed | ValueError | TimeoutError):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _why_not_automl(examples: TargetExamples, scored: list[_Scored], seconds: float) -> str:
    """Why AutoML cannot be fitted in its seconds; "" if it can."""
    if len(examples.inputs) < AUTOML_MIN_EXAMPLES:
        return f"Left out under {AUTOML_MIN_EXAMPLES} examples."
    if examples.modality.columns_take_too_long(examples.inputs):
        return "Left out: its features would take minutes."
    # Its features are made of the same vectors, once to fit and once more in EvaDB.
    features = 2 * max((e.seconds for e in scored), default=0.0)
    if features > seconds:
        return (
            f"Left out: its features would take {features:.0f} of its {seconds:.0f} s. "
            "Raise the time budget."
        )
    return ""


def _automl(
    examples: TargetExamples, automl: AutoML, seconds: float, on_candidate: Callable[[str], None]
) -> _Scored:
    on_candidate(AUTOML)
    started = time.perf_counter()
    validation = examples.fold == 0
    where = f"{automl.columns.fold} = 0"
    number = {label: i for i, label in enumerate(examples.spec.labels)}
    try:
        others = f"{automl.columns.fold} > 0"
        estimator = automl.fit("scored", examples.at(~validation), others, seconds)
        predicted = automl.predict("scored", where)["label"].tolist()
        indicators = np.eye(len(number))[[number[label] for label in predicted]]
        score = macro_f1(examples.truth[validation], indicators) or 0.0
        scores = examples.scores(estimator, validation)
    except Exception as e:  # noqa: BLE001 - the other candidates go on
        return _failed(AUTOML, started, e)
    spent = time.perf_counter() - started
    return _Scored(AUTOML, score, spent, int(validation.sum()), "", scores)


def _refit_best(
    examples: TargetExamples,
    automl: AutoML | None,
    scored: list[_Scored],
    seconds: float,
    on_candidate: Callable[[str], None],
    limit_s: float,
) -> tuple[_Scored, TrainedTarget]:
    """The best candidate that can be fitted on all examples, and the fitted target."""
    for best in _ranked(examples, scored):
        on_candidate(f"refit: {best.name}")
        try:
            if best.name == AUTOML:
                trained = _refit_automl(examples, automl, best, seconds)
            else:
                with time_limit(limit_s):
                    trained = _refit(examples, best)
            examples.scores(trained.estimator, np.arange(len(examples.inputs)) < _TRIED)
        except Exception as e:  # noqa: BLE001 - the next best is fitted instead
            best.note = f"Failed when it was refitted: {_reason(e)}"[:_NOTE_MAX]
        else:
            return best, trained
    raise NothingFitted("; ".join(e.note for e in scored))


def _ranked(examples: TargetExamples, scored: list[_Scored]) -> list[_Scored]:
    """Those with a score, best first; where all examples are scored, the preferred one unless
    another is clearly better.
    """
    ranked = sorted(
        (e for e in scored if e.score is not None), key=lambda e: e.score or 0, reverse=True
    )
    preferred = examples.modality.preferred_for(examples.inputs)
    if preferred is None or any(e.n < len(examples.inputs) for e in ranked):
        return ranked
    own = next((e for e in ranked if e.name == preferred.name), None)
    if own is None or own is ranked[0] or _is_clearly_better(examples, ranked[0], own):
        return ranked
    own.note = "; ".join(filter(None, [own.note, "preferred, as no other is clearly better"]))
    return [own, *(e for e in ranked if e is not own)]


def _is_clearly_better(examples: TargetExamples, one: _Scored, other: _Scored) -> bool:
    """By more than one standard error of the difference, which is that of correct predictions."""
    more = examples.correct(one.scores) - examples.correct(other.scores)
    error = more.std(ddof=1) / np.sqrt(len(more)) if len(more) > 1 else np.inf
    return bool((one.score or 0) - (other.score or 0) > error)


def _refit(examples: TargetExamples, best: _Scored) -> TrainedTarget:
    """Calibrated on the validation scores if they are enough, else on those out of every fold."""
    candidate = candidate_named(examples.modality, best.name)
    whole = np.ones(len(examples.inputs), dtype=bool)
    if best.n == len(examples.inputs):
        scores, labels = best.scores, examples.labels
    elif best.n >= MIN_UNSEEN:
        scores, labels = best.scores, examples.labels[examples.fold == 0]
    else:
        scores, labels = examples.out_of_fold(candidate), examples.labels
        best.scores = scores
    fitted = calibration.fit(scores, labels, shape_of(examples.spec), examples.unlearned)
    return TrainedTarget(examples.spec, examples.fit(candidate, whole), fitted)


def candidate_named(modality: Modality, name: str) -> Candidate:
    """The candidate of that name, which the modality has."""
    return next(candidate for candidate in modality.candidates if candidate.name == name)


def _refit_automl(
    examples: TargetExamples, automl: AutoML, best: _Scored, seconds: float
) -> TrainedTarget:
    """Calibrated on the validation fifth only: five more fits would take too long."""
    fitted = calibration.fit(
        best.scores,
        examples.labels[examples.fold == 0],
        shape_of(examples.spec),
        examples.unlearned,
    )
    estimator = automl.fit("best", examples.inputs, f"{automl.columns.fold} >= 0", seconds)
    return TrainedTarget(examples.spec, estimator, fitted)


def _candidate(scored: _Scored, spec: TargetSpec, won: bool) -> CandidateRow:
    return CandidateRow(
        target=spec.name,
        name=scored.name,
        score=scored.score,
        metric="macro_f1",
        seconds=round(scored.seconds, 3),
        n=scored.n,
        note=scored.note,
        won=won,
    )

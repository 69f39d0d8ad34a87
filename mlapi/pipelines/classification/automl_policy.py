"""Whether EvaDB's AutoML challenges a training's version, in a run of its own."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mlapi.domain import TargetSpec
from mlapi.label_types import shape_of
from mlapi.pipelines.base import CHALLENGER, RunHistory, RunPlan
from mlapi.pipelines.classification.candidate_policy import LEFT_OUT, left_out
from registry.training_result import CandidateRow

# The name of the parameter; a candidate whose name contains it is AutoML's.
NAME = "automl"
# With fewer examples one fifth of them is too few to score on.
MIN_EXAMPLES = 200
_RUNS_LOOKED_AT = 50


def plan(targets: Sequence[TargetSpec], options: Mapping[str, Any], history: RunHistory) -> RunPlan:
    """The parameters of a classifier's run: its candidates, and whether a challenger follows.

    AutoML takes a hundred times as long as the other candidates and hardly ever wins on texts, so
    a training goes without it, and a challenger follows: by `auto` once in a project, by `on` after
    each training, and never once it has lost.
    """
    if history.is_challenger:
        return RunPlan({NAME: True, CHALLENGER: False, LEFT_OUT: []})
    reason = _why_no_challenger(targets, options, history)
    note = reason or "AutoML is fitted once this run has ended, as a challenger of its version."
    names, why = left_out(history)
    parameters = {NAME: False, CHALLENGER: not reason, LEFT_OUT: names}
    return RunPlan(parameters, {NAME: note, **({LEFT_OUT: why} if names else {})})


def won(candidates: Iterable[CandidateRow]) -> bool:
    """Whether a target's estimator is AutoML's."""
    return any(candidate.won and _is_automl(candidate.name) for candidate in candidates)


def _why_no_challenger(
    targets: Sequence[TargetSpec], options: Mapping[str, Any], history: RunHistory
) -> str:
    choice = options[NAME]
    singles = [target for target in targets if shape_of(target) == "single"]
    if choice == "off":
        return "AutoML is switched off by the option automl."
    if not singles:
        return "AutoML is for controls with one choice only."
    if max(history.examples(target.name) for target in singles) < MIN_EXAMPLES:
        return f"AutoML takes no part under {MIN_EXAMPLES} examples."
    run, has_won = _last_challenge(history)
    if run and not has_won:
        return f"AutoML takes no part: it lost in run {run}."
    if run and choice != "on":
        return f"AutoML takes no part: it did so in run {run}, and the option automl isn't on."
    return ""


def _last_challenge(history: RunHistory) -> tuple[int | None, bool]:
    """The last run in which AutoML was fitted, None without one, and whether it won."""
    for run, was_promoted in history.challengers():
        return run, was_promoted
    for run, candidates in history.candidates(_RUNS_LOOKED_AT):  # of before there were challengers
        automl = [c for c in candidates if _is_automl(str(c.get("name", "")))]
        if any(c.get("score") is not None for c in automl):
            return run, any(c.get("won") for c in automl)
    return None, False


def _is_automl(name: str) -> bool:
    return NAME in name.lower()

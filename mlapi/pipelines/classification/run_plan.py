"""Plans a classifier's run: the candidates that it leaves out, and whether AutoML challenges it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mlapi.domain import TargetSpec
from mlapi.label_types import shape_of
from mlapi.pipelines.base import CHALLENGER, RunHistory, RunPlan
from mlapi.pipelines.options import AUTOML_OPTION
from registry.training_result import CandidateRow

# The names of parameters.
WITH_AUTOML, LEFT_OUT = "automl", "left_out"
# In lower case a part of the names of AutoML's candidates, of which `automl.AUTOML` is one.
_AUTOML = "automl"
# With fewer examples one fifth of them is too few to score AutoML on.
AUTOML_MIN_EXAMPLES = 200
_RUNS_LOOKED_AT = 50
# Macro F1, of every target.
_CLEARLY_WORSE = 0.05
# Under so many examples scores are chance within 5 points and more: the best of five candidates is
# often not the best on other inputs.
_FEW_EXAMPLES = 100
_FITTED_EVERY = 5


def plan(targets: Sequence[TargetSpec], options: Mapping[str, Any], history: RunHistory) -> RunPlan:
    """The parameters of a classifier's run: its candidates, and whether a challenger follows.

    AutoML takes a hundred times as long as the other candidates and hardly ever wins on texts, so
    a training goes without it, and a challenger follows: by `auto` once in a project, by `on` after
    each training, and never once it has lost.
    """
    if history.is_challenger:
        return RunPlan({WITH_AUTOML: True, CHALLENGER: False, LEFT_OUT: []})
    reason = _why_no_challenger(targets, options, history)
    note = reason or "AutoML is fitted once this run has ended, as a challenger of its version."
    names, why = _left_out(history)
    parameters = {WITH_AUTOML: False, CHALLENGER: not reason, LEFT_OUT: names}
    return RunPlan(parameters, {WITH_AUTOML: note, **({LEFT_OUT: why} if names else {})})


def automl_won(candidates: Iterable[CandidateRow]) -> bool:
    """Whether a target's estimator is AutoML's."""
    return any(candidate.won and _is_automl(candidate.name) for candidate in candidates)


def _why_no_challenger(
    targets: Sequence[TargetSpec], options: Mapping[str, Any], history: RunHistory
) -> str:
    choice = options[AUTOML_OPTION]
    singles = [target for target in targets if shape_of(target) == "single"]
    if choice == "off":
        return "AutoML is switched off by the option automl."
    if not singles:
        return "AutoML is for controls with one choice only."
    if max(history.examples(target.name) for target in singles) < AUTOML_MIN_EXAMPLES:
        return f"AutoML takes no part under {AUTOML_MIN_EXAMPLES} examples."
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
    return _AUTOML in name.lower()


def _left_out(history: RunHistory) -> tuple[list[str], str]:
    """The names of the candidates that are left out, and why.

    A candidate is left out if it was worse by more than 0.05 for every target when it was fitted
    last, on the same label config, and not by chance on few examples; yet it is fitted in every
    fifth training.
    """
    losses: dict[str, bool] = {}
    for candidates in history.selections(_FITTED_EVERY - 1):
        for name, margin in _margins(candidates).items():
            losses.setdefault(name, margin > _CLEARLY_WORSE)
    names = sorted(name for name, lost in losses.items() if lost)
    if not names or len(names) == len(losses):
        return [], ""
    why = (
        f"worse by more than {_CLEARLY_WORSE} when last fitted; "
        f"fitted again in every {_FITTED_EVERY}th training"
    )
    return names, f"Left out: {', '.join(names)} ({why})."


def _margins(candidates: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """By candidate that was scored by how much it was worse than the best, at the least; 0 where
    it was scored on few examples, or chosen all the same.
    """
    scored = [row for row in candidates if row.get("score") is not None]
    best: dict[str, float] = {}
    for row in scored:
        target = row.get("target", "")
        best[target] = max(best.get(target, row["score"]), row["score"])
    margins: dict[str, float] = {}
    for row in scored:
        counts = row["n"] >= _FEW_EXAMPLES and not row.get("won")
        margin = best[row.get("target", "")] - row["score"] if counts else 0.0
        margins[row["name"]] = min(margins.get(row["name"], margin), margin)
    return margins

"""Whether EvaDB's AutoML is a candidate in a run."""

from collections.abc import Mapping, Sequence
from typing import Any

from mlapi.pipelines.base import RunHistory, RunPlan

# The name of the parameter; a candidate whose name contains it is AutoML's.
NAME = "automl"
_LOST_BY = 0.05
_RUNS_LOOKED_AT = 50


def plan(options: Mapping[str, Any], history: RunHistory) -> RunPlan:
    """The parameter `automl`, and why AutoML is skipped.

    AutoML takes up to half of a run's time budget, so `auto` uses it only in the
    project's first run and on Start Training, until it was worse by more than 0.05 on every target
    of an earlier run.
    """
    reason = _why_not(options["automl"], history)
    return RunPlan({NAME: not reason}, {NAME: reason} if reason else {})


def _why_not(choice: str, history: RunHistory) -> str:
    if choice == "on":
        return ""
    if choice != "auto":
        return "AutoML is switched off by the option automl."
    lost = _lost_in(history)
    if lost is not None:
        return f"AutoML was skipped: it was worse by more than {_LOST_BY} in run {lost}."
    if history.is_start_training or not history.has_version:
        return ""
    return "AutoML was skipped: it is used in the first run and on Start Training."


def _lost_in(history: RunHistory) -> int | None:
    """The newest earlier run with AutoML, if it was clearly worse there."""
    for run, candidates in history.candidates(_RUNS_LOOKED_AT):
        margins = _margins(candidates)
        if margins:
            return run if all(margin > _LOST_BY for margin in margins) else None
    return None


def _margins(candidates: Sequence[Mapping[str, Any]]) -> list[float]:
    """The best other candidate's score minus AutoML's, for each target that has both."""
    best: dict[str, dict[bool, float]] = {}
    for candidate in candidates:
        if candidate.get("score") is None:
            continue
        scores = best.setdefault(candidate.get("target", ""), {})
        is_automl = NAME in str(candidate.get("name", "")).lower()
        scores[is_automl] = max(candidate["score"], scores.get(is_automl, float("-inf")))
    return [s[False] - s[True] for s in best.values() if len(s) == 2]

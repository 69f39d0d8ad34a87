"""Whether a run races EvaDB's AutoML beside the linear candidates."""

from typing import Any

from registry.models import TrainingRun

# A candidate whose name has this in it is AutoML's.
NAME = "automl"
_LOST_BY = 0.05
_RUNS_LOOKED_AT = 50


def decide(run: TrainingRun, options: dict[str, Any]) -> tuple[bool, str]:
    """(race it, why not).

    AutoML takes up to half of a run's time budget, so `auto` races it only in the project's
    first run and on Start Training, until it has lost by more than 0.05 on every target of an
    earlier run.
    """
    choice = options.get("automl", "off")
    if choice == "on":
        return True, ""
    if choice != "auto":
        return False, "AutoML is switched off by the option automl."
    lost = _lost_in(run)
    if lost is not None:
        return False, f"AutoML was skipped: it lost by more than {_LOST_BY} in run {lost}."
    if run.trigger == TrainingRun.Trigger.START_TRAINING or not _has_earlier(run):
        return True, ""
    return False, "AutoML was skipped: it is raced in the first run and on Start Training."


def _has_earlier(run: TrainingRun) -> bool:
    return run.project.versions.exists()


def _lost_in(run: TrainingRun) -> int | None:
    """The newest earlier run that raced AutoML, if it lost there clearly."""
    earlier = run.project.runs.filter(pk__lt=run.pk).exclude(candidates=[])
    for pk, candidates in earlier.values_list("pk", "candidates")[:_RUNS_LOOKED_AT]:
        margins = _margins(candidates)
        if margins:
            return pk if all(margin > _LOST_BY for margin in margins) else None
    return None


def _margins(candidates: list[dict[str, Any]]) -> list[float]:
    """By how much AutoML was behind the best other candidate, for each target that it raced on."""
    best: dict[str, dict[bool, float]] = {}
    for candidate in candidates:
        if candidate.get("score") is None:
            continue
        scores = best.setdefault(candidate.get("target", ""), {})
        is_automl = NAME in str(candidate.get("name", "")).lower()
        scores[is_automl] = max(candidate["score"], scores.get(is_automl, float("-inf")))
    return [s[False] - s[True] for s in best.values() if len(s) == 2]

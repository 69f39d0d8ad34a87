"""Which candidates a training leaves out, because they lost clearly a short while ago."""

from collections.abc import Mapping, Sequence
from typing import Any

from mlapi.pipelines.base import RunHistory

# The name of the parameter.
LEFT_OUT = "left_out"
# Macro F1, of every target.
CLEARLY = 0.05
# Under so many examples scores are chance within 5 points and more: the best of five candidates is
# often not the best on other inputs.
FEW = 100
EVERY = 5


def left_out(history: RunHistory) -> tuple[list[str], str]:
    """The names of these candidates, and why.

    A candidate is left out if it was worse by more than 0.05 for every target when it was fitted
    last, on the same label config, and not by chance on few examples; yet it is fitted in every
    fifth training.
    """
    losses: dict[str, bool] = {}
    for candidates in history.selections(EVERY - 1):
        for name, margin in _margins(candidates).items():
            losses.setdefault(name, margin > CLEARLY)
    names = sorted(name for name, lost in losses.items() if lost)
    if not names or len(names) == len(losses):
        return [], ""
    why = f"worse by more than {CLEARLY} when last fitted; fitted again in every {EVERY}th training"
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
        counts = row["n"] >= FEW and not row.get("won")
        margin = best[row.get("target", "")] - row["score"] if counts else 0.0
        margins[row["name"]] = min(margins.get(row["name"], margin), margin)
    return margins

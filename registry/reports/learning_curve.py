"""Learning curves: a version's metric by the size of its training split."""

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from registry.models import Metric, ModelVersion

ENOUGH = 30  # holdout tasks: below, the curve is mostly noise


@dataclass(frozen=True)
class CurvePoint:
    """The metric on the holdout (`n` tasks) after learning from `step` training examples."""

    step: int
    value: float | None
    n: int


@dataclass(frozen=True)
class LearningCurve:
    """A target's curve, by growing `step`."""

    target: str
    points: list[CurvePoint]

    @property
    def sentence(self) -> str:
        """Whether more labels would help, in one sentence with its numbers.

        It compares the whole training split with about half of it: a learning curve that
        follows a power law gains less with each further doubling (Figueroa et al.,
        Predicting sample size required for classification performance, 2012), so the last
        doubling's gain bounds the next one's.
        """
        known = [(p.step, p.value, p.n) for p in self.points if p.value is not None]
        if len(known) < 2:
            return "There are too few points to tell whether more labels would help."
        last_step, last, n = known[-1]
        step, before, _ = min(known[:-1], key=lambda p: abs(p[0] - last_step / 2))
        gain = last - before
        numbers = f"from {step} to {last_step} labels macro F1 went {before:.3f} → {last:.3f}"
        if n < ENOUGH:
            return f"The holdout is too small to tell (n = {n}); {numbers}."
        noise = math.sqrt(max(last * (1 - last), 0.01) / n)
        if gain > noise:
            return f"More labels would probably help: {numbers} (n = {n})."
        if gain > noise / 2:
            return f"More labels may help a little: {numbers} (n = {n})."
        return f"More labels alone would probably not help much: {numbers} (n = {n})."


def judged_by(candidate: dict[str, Any]) -> str:
    """The metric by which a run's candidate was scored."""
    return candidate.get("metric") or "macro_f1"


def may_have_curve(version: ModelVersion, target: str) -> bool:
    """Whether the target can have a curve: its recipe must have been selected by macro F1.

    Clusters and similarity have no recipe that more labels would improve.
    """
    candidates = version.run.candidates if version.run else []
    return any(c.get("target") == target and judged_by(c) == "macro_f1" for c in candidates)


def learning_curves(version: ModelVersion) -> list[LearningCurve]:
    """The curve of each target that has one; one query."""
    found = Metric.objects.filter(version=version, name="learning_curve", label="")
    by_target: defaultdict[str, list[CurvePoint]] = defaultdict(list)
    for m in found.order_by("target", "step"):
        by_target[m.target].append(CurvePoint(m.step, m.value, m.n))
    return [LearningCurve(target, points) for target, points in by_target.items()]

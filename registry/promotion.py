"""The promotion rule: whether a new version becomes the champion. Pure: no database, no clock."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

from registry.metrics import MetricInfo, metric_info
from registry.models.project import PromotionRule

# With fewer tasks the interval of a difference is far wider than what one more run changes: the
# candidate is promoted, because it has learned from more labels.
MIN_TASKS = 30
# A difference that matters, of scores from 0 to 1.
CLEARLY_WORSE = 0.03

CLAUSES = {
    "never": "The project's rule is to promote by hand only.",
    "no_champion": "There was no champion.",
    "always": "The project's rule is to promote every version.",
    "not_compared": "It was not compared with the version that is champion now.",
    "champion_cannot_serve": "The champion cannot serve the label config.",
    "not_evaluated": f"Not evaluated: there are fewer than {MIN_TASKS} tasks to compare on.",
    "as_good": "On the same tasks it is at least as good as the champion.",
    "clearly_better": "On the same tasks it is clearly better than the champion: the 95 % interval "
    "of the difference lies above 0.",
    "not_clear": "It is not clearly better than the champion: the 95 % interval of the difference "
    "does not lie above 0.",
    "too_few": f"There are fewer than {MIN_TASKS} tasks to compare on: too few to say that it is "
    "clearly better than the champion.",
    "better": "On the same tasks it is better than the champion.",
    "not_better": "A challenger is promoted only if it is better than the champion.",
    "worse": "On the same tasks it is worse than the champion.",
}


@dataclass(frozen=True)
class PromotionDecision:
    """What to do, and by which clause of the rule (a key of CLAUSES)."""

    promote: bool
    clause: str

    @property
    def reason(self) -> str:
        """The clause as a sentence."""
        return CLAUSES[self.clause]


def decide(
    rule: str,
    comparison: dict[str, Any] | None,
    has_champion: bool,
    *,
    is_challenger: bool = False,
) -> PromotionDecision:
    """Apply the project's rule to a comparison of candidate and champion.

    `comparison` holds `metric`, `candidate` and `champion` (that metric of each on the same
    tasks, under today's config), `interval` (of candidate minus champion), `n` (tasks both were
    evaluated on) and `champion_serves` (whether the champion can serve the config at all). A
    challenger has learned from no more labels than the champion, so only a better score makes it
    worth a change of the served version, also where the rule is to promote every version.
    """
    if rule == PromotionRule.NEVER:
        return PromotionDecision(False, "never")
    if not has_champion:
        return PromotionDecision(True, "no_champion")
    if rule == PromotionRule.ALWAYS and not is_challenger:
        return PromotionDecision(True, "always")
    if not comparison:
        return PromotionDecision(False, "not_compared")
    if not comparison.get("champion_serves", True):
        return PromotionDecision(True, "champion_cannot_serve")
    if comparison.get("n", 0) < MIN_TASKS:
        if rule == PromotionRule.IF_CLEARLY_BETTER:
            return PromotionDecision(False, "too_few")
        return PromotionDecision(not is_challenger, "not_evaluated")
    candidate, champion = comparison.get("candidate"), comparison.get("champion")
    if candidate is None or champion is None:
        return PromotionDecision(False, "not_compared")
    metric = metric_info(comparison.get("metric", ""))
    if rule == PromotionRule.IF_CLEARLY_BETTER:
        is_clear = _is_above_zero(metric, comparison.get("interval"))
        return PromotionDecision(is_clear, "clearly_better" if is_clear else "not_clear")
    gain = metric.gain(candidate, champion)
    if is_challenger:
        return PromotionDecision(gain > 0, "better" if gain > 0 else "not_better")
    return PromotionDecision(gain >= 0, "as_good" if gain >= 0 else "worse")


def _is_above_zero(metric: MetricInfo, interval: Sequence[float] | None) -> bool:
    """Whether all of the interval of candidate minus champion is a gain."""
    return interval is not None and all(metric.gain(end, 0.0) > 0 for end in interval)


def wrong_share(rule: str, comparison: dict[str, Any]) -> float | None:
    """How often, 0 to 1, the rule promotes a version that is worse than the champion by 0.03.

    By the 95 % interval of the difference, as a normal distribution's, so on as many tasks as those
    of the comparison. None of a rule that does not look at the difference, of too few tasks, of a
    metric that is no score from 0 to 1, and of two versions that predict the same.
    """
    ends = comparison.get("interval")
    is_score = metric_info(comparison.get("metric") or "macro_f1").range == (0.0, 1.0)
    if not ends or not is_score or comparison.get("n", 0) < MIN_TASKS:
        return None
    if rule not in (PromotionRule.IF_AT_LEAST_AS_GOOD, PromotionRule.IF_CLEARLY_BETTER):
        return None
    normal = NormalDist()
    half_width = normal.inv_cdf(0.975)  # of the interval, in standard errors
    standard_error = (ends[1] - ends[0]) / (2 * half_width)
    if standard_error <= 0:
        return None
    least = half_width if rule == PromotionRule.IF_CLEARLY_BETTER else 0.0
    return normal.cdf(-CLEARLY_WORSE / standard_error - least)

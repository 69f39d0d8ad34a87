"""The score from which a champion's predictions can be accepted unseen, within an error budget."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from django.db.models import Count, Q

from registry.models import ModelVersion, Outcome, Project, TaskScore

# Predictions for tasks that the version had not learned from, and that nobody saw before labelling:
# those of the version's run, and those of tasks that were labelled while it served.
_OF_RUN = (Outcome.Source.HOLDOUT, Outcome.Source.OUT_OF_FOLD)
_MOST = 4_000  # outcomes of either; of tasks labelled since the newest
_RISK = 0.05  # that more than the budget are wrong
_DECIMALS = 4  # of a threshold
# Shares of the tasks. From later ones on few errors decide less, from earlier ones few tasks do.
_STARTS, _STEP = (0.3, 0.6), 0.05


@dataclass(frozen=True)
class AutoAccept:
    """From `threshold` on at most `budget` of the predictions are wrong, with 95 % confidence.

    None where that is so of no score. By `n` tasks with human labels, of which `accepted` have the
    score and `wrong` of those are wrong; `share` is that of the `unlabelled` tasks which have it,
    None without any.
    """

    budget: float
    threshold: float | None
    n: int
    accepted: int
    wrong: int
    unlabelled: int
    share: float | None

    @property
    def sentence(self) -> str:
        """The result for people."""
        percent = f"{100 * self.budget:g} %"
        if self.threshold is None:
            return f"no score from which at most {percent} are wrong (n = {self.n:,})"
        of_tasks = "" if self.share is None else f", {self.share:.0%} of the unlabelled tasks"
        return f"at {self.threshold:g} and above{of_tasks}: at most {percent} wrong"


def auto_accept(project: Project, budget: float | None = None) -> AutoAccept:
    """The champion's threshold at a budget, or at the project's; three queries.

    A task's score is that of its least sure target, and all of its targets must be right.
    """
    budget = project.error_budget if budget is None else budget
    version = project.champion
    scores, right = _by_task(version) if version else (np.zeros(0), np.zeros(0, bool))
    found = threshold(scores, right, budget)
    least = math.inf if found is None else found
    taken = scores >= least
    scored = TaskScore.objects.filter(
        version=version,
        score__isnull=False,
        task__annotation_ids=[],
        task__deleted_at__isnull=True,
    )
    counts = scored.aggregate(n=Count("pk"), accepted=Count("pk", filter=Q(score__gte=least)))
    unlabelled = counts["n"]
    share = counts["accepted"] / unlabelled if found is not None and unlabelled else None
    return AutoAccept(
        budget=budget,
        threshold=found,
        n=len(scores),
        accepted=int(taken.sum()),
        wrong=int((taken & ~right).sum()),
        unlabelled=unlabelled,
        share=share,
    )


def _by_task(version: ModelVersion) -> tuple[np.ndarray, np.ndarray]:
    """Arrays (n,) of each task's score, and of whether its predictions are right."""
    scored = Outcome.objects.filter(version=version, score__isnull=False)
    rows = [
        row
        for part in (
            scored.filter(source__in=_OF_RUN).order_by("task", "target"),
            scored.filter(source=Outcome.Source.PREQUENTIAL).order_by("-at", "task"),
        )
        for row in part.values_list("task", "score", "correct")[:_MOST]
    ]
    found: dict[int, tuple[float, bool]] = {}
    for task, score, correct in rows:
        least, all_right = found.get(task, (1.0, True))
        found[task] = min(least, score or 0.0), all_right and correct
    return (
        np.array([score for score, _ in found.values()], dtype=float),
        np.array([correct for _, correct in found.values()], dtype=bool),
    )


def threshold(
    scores: Sequence[float] | np.ndarray, right: Sequence[bool] | np.ndarray, budget: float
) -> float | None:
    """The least score from which at most `budget` are wrong; None if there is none.

    By fixed sequences of exact binomial tests, each over a larger share of the tasks, of which the
    first that fails ends its sequence: the risk is that of all together (Angelopoulos et al., Learn
    then test, 2021).
    """
    from scipy.special import (
        bdtr,
    )  # not at the top: most pages do not need it

    order = np.argsort(-np.asarray(scores, dtype=float), kind="stable")
    ordered = np.asarray(scores, dtype=float)[order]
    wrong = np.cumsum(~np.asarray(right, dtype=bool)[order])
    n = len(ordered)
    most = 0
    for first in _STARTS if n else ():
        for share in np.arange(first, 1 + _STEP / 2, _STEP):
            least = ordered[max(1, round(share * n)) - 1]
            # All that have this score, wherever the sort put them.
            taken = int(np.searchsorted(-ordered, -least, side="right"))
            if bdtr(float(wrong[taken - 1]), taken, budget) > _RISK / len(_STARTS):
                break
            most = max(most, taken)
    if not most:
        return None
    return math.ceil(ordered[most - 1] * 10**_DECIMALS - 1e-9) / 10**_DECIMALS

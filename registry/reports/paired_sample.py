"""Two versions' answers to the same tasks: metrics of both, differences, intervals. Pure."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from registry.f1 import (
    indicators,
    weighted_f1_by_label,
    weighted_macro_f1,
    weighted_micro_f1,
)
from registry.metrics import info
from registry.paired_bootstrap import interval, mean_over, resamples

Labels = tuple[str, ...]
# A task's human labels and the prediction of either version; None: no prediction.
Triple = tuple[Labels, Labels | None, Labels | None]
Metric = Callable[["Answers", str, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Difference:
    """A metric of both on the same tasks. `difference` is b - a, with its 95 % interval.

    None where the metric is undefined, as the F1 of a label that neither human labels nor
    predictions contain. `name` is the metric's, or a label with the name of its `metric`.
    """

    name: str
    a: float | None
    b: float | None
    difference: float | None
    interval: tuple[float, float] | None
    n: int
    metric: str = ""

    @property
    def gain(self) -> float:
        """How much better b is than a: negative if worse, 0 if undefined."""
        if self.a is None or self.b is None:
            return 0.0
        return info(self.metric or self.name).gain(self.b, self.a)

    @property
    def is_clear(self) -> bool:
        """Whether the interval excludes 0."""
        return self.interval is not None and not self.interval[0] <= 0 <= self.interval[1]


@dataclass(frozen=True)
class Answers:
    """One target's columns over the cells of a `PairedSample`; all 0 where it is unlabelled."""

    labels: list[str]
    truth: np.ndarray
    predicted: dict[str, np.ndarray]
    right: dict[str, np.ndarray]
    present: np.ndarray

    def accuracy(self, which: str, weights: np.ndarray) -> np.ndarray:
        """The share of tasks with the human's answer."""
        tasks = weights @ self.present
        right = weights @ self.right[which]
        return np.divide(right, tasks, out=np.full(tasks.shape, np.nan), where=tasks > 0)

    def macro_f1(self, which: str, weights: np.ndarray) -> np.ndarray:
        """Over the labels that occur among the human ones."""
        return weighted_macro_f1(self.truth, self.predicted[which], weights)

    def micro_f1(self, which: str, weights: np.ndarray) -> np.ndarray:
        """Over all decisions together."""
        return weighted_micro_f1(self.truth, self.predicted[which], weights)

    def f1_by_label(self, which: str, weights: np.ndarray) -> np.ndarray:
        """(rows, labels)."""
        return weighted_f1_by_label(self.truth, self.predicted[which], weights)


class PairedSample:
    """The tasks that both were evaluated on, and resamples of them.

    Tasks with equal labels and predictions are one cell with a count. Drawing n tasks with
    replacement is drawing from the cells by their shares, so that the cost depends on the number
    of cells and not of tasks.
    """

    def __init__(self, tasks: Sequence[dict[str, Triple]], *, seed: int = 0) -> None:
        """`tasks` holds the answers to each task by target."""
        cells = Counter(tuple(sorted(task.items())) for task in tasks)
        self._cells = [dict(cell) for cell in cells]
        self.n = len(tasks)
        self.counts = np.array([list(cells.values())], dtype=np.float64)
        self._weights = resamples(self.counts[0], seed)

    def answers(self, target: str) -> Answers:
        """The target's columns."""
        nothing: Triple = ((), None, None)
        triples = [cell.get(target, nothing) for cell in self._cells]
        labels = sorted(
            {label for triple in triples for answer in triple for label in answer or ()}
        )
        present = np.array([target in cell for cell in self._cells], dtype=np.float64)
        predicted, right = {}, {}
        for place, which in enumerate("ab", start=1):
            predicted[which] = indicators([t[place] or () for t in triples], labels).astype(
                np.float64
            )
            right[which] = present * [t[place] is not None and t[place] == t[0] for t in triples]
        truth = indicators([t[0] for t in triples], labels).astype(np.float64)
        return Answers(labels, truth, predicted, right, present)

    def tasks(self, answers: Answers) -> int:
        """How many tasks humans labelled for this target."""
        return int(self.counts[0] @ answers.present)

    def disagreements(self, answers: Answers) -> tuple[int, int]:
        """The numbers of tasks that only a, and that only b, predicts correctly."""
        a, b = answers.right["a"], answers.right["b"]
        return int(self.counts[0] @ (a * (1 - b))), int(self.counts[0] @ (b * (1 - a)))

    def difference(
        self, name: str, answers: Sequence[Answers], metric: Metric, n: int | None = None
    ) -> Difference:
        """The unweighted mean of the metric over targets, for a and b.

        The interval is the paired bootstrap's.
        """
        a, b = (mean_over([metric(t, which, self.counts) for t in answers]) for which in "ab")
        n = self.n if n is None else n
        value_a, value_b = _defined(a), _defined(b)
        if value_a is None or value_b is None:
            return Difference(name, value_a, value_b, None, None, n)
        drawn = mean_over(
            [metric(t, "b", self._weights) - metric(t, "a", self._weights) for t in answers]
        )
        return Difference(name, value_a, value_b, value_b - value_a, interval(drawn), n)

    def by_label(self, answers: Answers) -> list[Difference]:
        """F1 of each label, in the order of `answers.labels`; n is the number of human labels."""
        a, b = (answers.f1_by_label(which, self.counts)[0] for which in "ab")
        drawn = answers.f1_by_label("b", self._weights) - answers.f1_by_label("a", self._weights)
        support = self.counts[0] @ answers.truth
        return [
            Difference(
                label,
                _defined(a[i : i + 1]),
                _defined(b[i : i + 1]),
                _defined(b[i : i + 1] - a[i : i + 1]),
                interval(drawn[:, i]) if np.isfinite(a[i] + b[i]) else None,
                int(support[i]),
                "f1",
            )
            for i, label in enumerate(answers.labels)
        ]


def mcnemar(only_a: int, only_b: int) -> float:
    """The two-sided p-value of McNemar's exact test; 1 if both are correct on the same tasks.

    McNemar, Note on the sampling error of the difference between correlated proportions,
    Psychometrika 12, 1947; the exact form is the sign test on the tasks that only one has
    right, binomial with p = 1/2.
    """
    # Not at the top: it takes a second to import, and only a comparison needs it.
    from scipy.stats import binomtest

    n = only_a + only_b
    return float(binomtest(only_a, n, 0.5).pvalue) if n else 1.0


def _defined(value: np.ndarray) -> float | None:
    return float(value[0]) if np.isfinite(value[0]) else None

"""Two versions' predictions of the same tasks: metrics of both, differences, intervals. Pure."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from registry.engine import LabelType, Score
from registry.metrics import metric_info
from registry.statistics import (
    as_number,
    bootstrap_interval,
    indicators,
    mean_over,
    resamples,
    weighted_f1_by_label,
)


class TargetValue(NamedTuple):
    """A human label or a prediction: its JSON as text, so that it is hashable, and its classes."""

    text: str
    classes: tuple[str, ...]

    @classmethod
    def of(cls, value: Any, classes: Sequence[str]) -> "TargetValue":
        """Of a value of the label type as JSON."""
        return cls(json.dumps(value, sort_keys=True), tuple(classes))

    @property
    def content(self) -> Any:
        """The value as JSON."""
        return json.loads(self.text)


PRIMARY = "primary"
# A task's human label and the prediction of either version; None: no prediction.
Triple = tuple[TargetValue, TargetValue | None, TargetValue | None]


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
        return metric_info(self.metric or self.name).gain(self.b, self.a)

    @property
    def is_clear(self) -> bool:
        """Whether the interval excludes 0."""
        return self.interval is not None and not self.interval[0] <= 0 <= self.interval[1]


@dataclass(frozen=True)
class TargetColumns:
    """One target's columns over the cells of a `PairedSample`; all 0 where it is unlabelled.

    `scores` has each version's metrics by the label type, of which `metric` is the one that
    decides; they take the weights of the cells `where` it is labelled.
    """

    labels: list[str]
    truth: np.ndarray
    predicted: dict[str, np.ndarray]
    right: dict[str, np.ndarray]
    present: np.ndarray
    where: np.ndarray
    metric: str
    scores: dict[str, Mapping[str, Score]]

    def score(self, name: str, which: str, weights: np.ndarray) -> np.ndarray:
        """The metric under each row of weights."""
        return self.scores[which][name](weights[:, self.where])

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
        """`tasks` holds the values of each task by target."""
        cells = Counter(tuple(sorted(task.items())) for task in tasks)
        self._cells = [dict(cell) for cell in cells]
        self.n = len(tasks)
        self.counts = np.array([list(cells.values())], dtype=np.float64)
        self._weights = resamples(self.counts[0], seed)

    def columns(self, target: str, label_type: LabelType) -> TargetColumns:
        """The target's columns."""
        cells = [cell.get(target) for cell in self._cells]
        labels = sorted({x for cell in cells for value in cell or () for x in _classes(value)})
        where = np.array([i for i, cell in enumerate(cells) if cell], dtype=int)
        found = [cell for cell in cells if cell]
        humans = [label_type.from_json(human.content) for human, *_ in found]
        present = np.zeros(len(cells))
        present[where] = 1
        predicted, right, scores = {}, {}, {}
        for place, which in enumerate("ab", start=1):
            predicted[which] = _indicators([cell and cell[place] for cell in cells], labels)
            values = [
                None if (value := cell[place]) is None else label_type.from_json(value.content)
                for cell in found
            ]
            right[which] = np.zeros(len(cells))
            right[which][where] = list(map(label_type.is_correct, values, humans))
            scores[which] = label_type.scores(humans, values)
        truth = _indicators([cell and cell[0] for cell in cells], labels)
        metric = label_type.metric
        return TargetColumns(labels, truth, predicted, right, present, where, metric, scores)

    def tasks(self, columns: TargetColumns) -> int:
        """How many tasks humans labelled for this target."""
        return int(self.counts[0] @ columns.present)

    def disagreements(self, columns: TargetColumns) -> tuple[int, int]:
        """The numbers of tasks that only a, and that only b, predicts correctly."""
        a, b = columns.right["a"], columns.right["b"]
        return int(self.counts[0] @ (a * (1 - b))), int(self.counts[0] @ (b * (1 - a)))

    def difference(
        self, name: str, columns: Sequence[TargetColumns], n: int | None = None
    ) -> Difference:
        """The metric for a and b; `primary` is the unweighted mean of each target's own.

        Those count as scores, of which higher is better. The interval is the paired bootstrap's.
        """

        def of(which: str, weights: np.ndarray) -> list[np.ndarray]:
            if name == PRIMARY:
                own = ((metric_info(t.metric), t.score(t.metric, which, weights)) for t in columns)
                return [metric.score(values) for metric, values in own]
            return [t.score(name, which, weights) for t in columns]

        a, b = (mean_over(of(which, self.counts)) for which in "ab")
        n = self.n if n is None else n
        value_a, value_b = as_number(a), as_number(b)
        if value_a is None or value_b is None:
            return Difference(name, value_a, value_b, None, None, n)
        both = zip(of("a", self._weights), of("b", self._weights), strict=True)
        drawn = mean_over([of_b - of_a for of_a, of_b in both])
        return Difference(name, value_a, value_b, value_b - value_a, bootstrap_interval(drawn), n)

    def by_label(self, columns: TargetColumns) -> list[Difference]:
        """F1 of each label, in the order of `columns.labels`; n is the number of human labels."""
        a, b = (columns.f1_by_label(which, self.counts)[0] for which in "ab")
        drawn = columns.f1_by_label("b", self._weights) - columns.f1_by_label("a", self._weights)
        support = self.counts[0] @ columns.truth
        return [
            Difference(
                label,
                as_number(a[i : i + 1]),
                as_number(b[i : i + 1]),
                as_number(b[i : i + 1] - a[i : i + 1]),
                bootstrap_interval(drawn[:, i]) if np.isfinite(a[i] + b[i]) else None,
                int(support[i]),
                "f1",
            )
            for i, label in enumerate(columns.labels)
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


def _classes(value: TargetValue | None) -> tuple[str, ...]:
    return value.classes if value else ()


def _indicators(values: Sequence[TargetValue | None], labels: list[str]) -> np.ndarray:
    return indicators([_classes(value) for value in values], labels).astype(np.float64)

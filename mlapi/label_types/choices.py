"""Any number of labels: of Choices that take several."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from mlapi.domain import ScoredValue, TargetSpec
from mlapi.label_types import regions as of_regions
from mlapi.label_types.base import Control, Evaluated, LabelType, Region, Score
from registry.training_result import MetricRow

Labels = tuple[str, ...]


class Choices(LabelType[Labels]):
    """A value is a set of labels, sorted, and may be empty; a prediction of it is one region.

    Annotators agree on the labels that more than half of them chose; exactly half is a tie.
    """

    name = "choices"
    tags: ClassVar[tuple[str, ...]] = ("Choices",)
    shape = "multiple"
    several = True
    metric = "macro_f1"

    def fits(self, control: Control) -> bool:
        return super().fits(control) and control.takes_several

    def read(self, regions: Sequence[Mapping[str, Any]], target: TargetSpec) -> Labels | None:
        """Without a choice it is the empty set; None if none of the chosen labels is allowed."""
        chosen = {label for one in regions for label in self.labels_in(one["value"])}
        allowed = chosen & set(target.labels) if target.labels else chosen
        return None if chosen and not allowed else tuple(sorted(allowed))

    def labels_in(self, value: Mapping[str, Any]) -> list[str]:
        """The labels in a region's value."""
        return of_regions.choice_labels(value)

    def consensus(self, votes: Sequence[Labels]) -> Labels | None:
        counts = Counter(label for labels in votes for label in labels)
        if any(2 * n == len(votes) for n in counts.values()):
            return None
        return tuple(sorted(label for label, n in counts.items() if 2 * n > len(votes)))

    def value(self, regions: Sequence[ScoredValue]) -> Labels:
        return tuple(sorted({label for region in regions for label in region.value}))

    def write(self, regions: Sequence[ScoredValue], control: Control) -> list[Region] | None:
        written = []
        for region in regions:
            labels = list(region.value)
            takes = len(labels) == 1 or control.takes_several
            found = self.region(labels, control) if labels and takes else None
            if found is None:
                return None
            written.append(Region(*found, region.score))
        return written

    def region(self, labels: list[str], control: Control) -> tuple[str, dict[str, Any]] | None:
        """The type and value of a region with the labels; None if the control has not all."""
        if control.tag != "Choices" or control.dynamic or control.nested:
            return None
        if not set(labels) <= set(control.labels):
            return None
        return "choices", {"choices": [[one] for one in labels] if control.writes_paths else labels}

    def classes(self, value: Labels) -> list[str]:
        return list(value)

    def renamed(self, value: Labels, names: Mapping[str, str]) -> Labels:
        return tuple(sorted({names.get(label, label) for label in value}))

    def to_json(self, value: Labels) -> list[str]:
        return list(value)

    def from_json(self, stored: Any) -> Labels | None:
        return tuple(stored) if isinstance(stored, list | tuple) else None

    def agreement(self, predicted: Labels, human: Labels) -> bool:
        return set(predicted) == set(human)

    def metrics(self, evaluated: Evaluated[Labels]) -> list[MetricRow]:
        from mlapi.label_types import label_metrics

        return label_metrics.multilabel(
            evaluated.truth,
            [() if p is None else p for p in evaluated.predicted],
            evaluated.probabilities,
            evaluated.labels,
            baseline=evaluated.baseline or (),
            seed=evaluated.seed,
            log=evaluated.log,
        )

    def scores(
        self, truth: Sequence[Labels], predicted: Sequence[Labels | None]
    ) -> dict[str, Score]:
        from mlapi.label_types import label_metrics

        of_sets = label_metrics.SetScores(truth, predicted)
        return {
            "macro_f1": of_sets.macro_f1,
            "subset_accuracy": of_sets.accuracy,
            "micro_f1": of_sets.micro_f1,
        }

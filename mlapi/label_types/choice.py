"""One label: of Choices that take one, the stars of a Rating, the side of a Pairwise."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from mlapi.domain import ScoredValue, TargetSpec
from mlapi.label_types import regions as of_regions
from mlapi.label_types.base import Control, Evaluated, LabelType, Region, Score
from registry.training_result import MetricRow

_READERS: Mapping[str, Callable[[Mapping[str, Any]], list[str]]] = {
    "Choices": of_regions.choice_labels,
    "Rating": of_regions.rating_labels,
    "Pairwise": of_regions.selected_labels,
}


class Choice(LabelType[str]):
    """A value is a label. Annotators agree on the one that most of them chose."""

    name = "choice"
    tags: ClassVar[tuple[str, ...]] = ("Choices", "Rating", "Pairwise")
    shape = "single"
    several = False
    metric = "macro_f1"

    def fits(self, control: Control) -> bool:
        return super().fits(control) and not control.takes_several

    def read(self, regions: Sequence[Mapping[str, Any]], target: TargetSpec) -> str | None:
        """Two labels remain from a time when the control took several, and are none."""
        chosen = {label for one in regions for label in self.labels_in(one["value"], target)}
        allowed = chosen & set(target.labels) if target.labels else chosen
        return next(iter(allowed)) if len(allowed) == 1 else None

    def labels_in(self, value: Mapping[str, Any], target: TargetSpec) -> list[str]:
        """The labels in a region's value."""
        return _READERS.get(target.control_tag, of_regions.choice_labels)(value)

    def consensus(self, votes: Sequence[str]) -> str | None:
        ranked = Counter(votes).most_common(2)
        return None if len(ranked) == 2 and ranked[0][1] == ranked[1][1] else ranked[0][0]

    def value(self, regions: Sequence[ScoredValue]) -> str | None:
        return regions[0].value if regions else None

    def write(self, regions: Sequence[ScoredValue], control: Control) -> list[Region] | None:
        if not regions:
            return []
        label = regions[0].value
        found = self.region(label, control) if isinstance(label, str) and label else None
        return None if found is None or len(regions) > 1 else [Region(*found, regions[0].score)]

    def region(self, label: str, control: Control) -> tuple[str, dict[str, Any]] | None:
        """The type and value of a region with the label; None if the control does not take it."""
        if control.dynamic or label not in control.labels:
            return None
        match control.tag:
            case "Choices" if not control.nested:
                return "choices", {"choices": [[label] if control.writes_paths else label]}
            case "Rating":
                return "rating", {"rating": int(label)}
            case "Pairwise":
                return "pairwise", {"selected": label}
        return None

    def classes(self, value: str) -> list[str]:
        return [value] if value else []

    def renamed(self, value: str, names: Mapping[str, str]) -> str:
        return names.get(value, value)

    def from_json(self, stored: Any) -> str | None:
        return stored if isinstance(stored, str) else None

    def agreement(self, predicted: str, human: str) -> bool:
        return predicted == human

    def metrics(self, evaluated: Evaluated[str]) -> list[MetricRow]:
        from mlapi.label_types import label_metrics

        return label_metrics.multiclass(
            evaluated.truth,
            evaluated.predicted,
            evaluated.probabilities,
            evaluated.labels,
            baseline=evaluated.baseline or "",
            unlearned=evaluated.unlearned,
            seed=evaluated.seed,
            log=evaluated.log,
        )

    def scores(self, truth: Sequence[str], predicted: Sequence[str | None]) -> dict[str, Score]:
        from mlapi.label_types import label_metrics

        of_sets = label_metrics.SetScores(
            [self.classes(one) for one in truth],
            [None if one is None else self.classes(one) for one in predicted],
        )
        return {"macro_f1": of_sets.macro_f1, "accuracy": of_sets.accuracy}

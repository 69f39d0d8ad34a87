"""A target's training images with their boxes, and what was learned for the target."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mlapi.domain import TargetSpec
from mlapi.images.features import SizedImage
from mlapi.label_types.labelled_box import LabelledBox
from mlapi.pipelines.object_detection import thresholds
from mlapi.pipelines.object_detection.model import DetectedTarget
from registry.training_result import CandidateRow

Values = Sequence[Sequence[LabelledBox]]


@dataclass(frozen=True)
class Drawn:
    """A training task: its image, and the boxes of the labels that are learned."""

    image: SizedImage
    boxes: tuple[LabelledBox, ...]


@dataclass(frozen=True)
class Learned:
    """A target with its detector, as one candidate."""

    target: DetectedTarget
    candidate: CandidateRow


@dataclass(frozen=True)
class Scored:
    """The thresholds that images choose, by label, and the F1 of the boxes that they serve."""

    thresholds: Mapping[str, float]
    f1: float | None

    @classmethod
    def of(cls, spec: TargetSpec, drawn: Sequence[Drawn], found: Values) -> "Scored":
        """By the boxes that were found on the images, with the spec's labels."""
        humans = [one.boxes for one in drawn]
        least = thresholds.chosen(humans, found, spec.labels)
        return cls(least, thresholds.f1(humans, found, least))


def shown(least: Mapping[str, float]) -> str:
    """Thresholds for the run's log."""
    return ", ".join(f"{label} {value:.2f}" for label, value in least.items())

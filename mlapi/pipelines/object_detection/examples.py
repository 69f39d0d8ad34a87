"""A target's annotated training images, its thresholds by them, and the result of its training."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mlapi.domain import TargetSpec
from mlapi.images.features import SizedImage
from mlapi.label_types.labelled_box import LabelledBox
from mlapi.pipelines.object_detection import thresholds
from mlapi.pipelines.object_detection.model import USUAL_THRESHOLD, DetectedTarget
from registry.training_result import CandidateRow


@dataclass(frozen=True)
class AnnotatedImage:
    """A training task: its image, and the boxes of the labels that are learned.

    Tasks of one content have one `file`.
    """

    file: str
    image: SizedImage
    boxes: tuple[LabelledBox, ...]


@dataclass(frozen=True)
class TargetResult:
    """A target with its detector, and its row among the candidates of the run."""

    target: DetectedTarget
    candidate: CandidateRow


@dataclass(frozen=True)
class Validation:
    """Each label's threshold, and the F1 of the boxes at or above these.

    `chosen` are the labels of which a box was found on the images; the others have the usual one.
    """

    thresholds: Mapping[str, float]
    chosen: frozenset[str]
    f1: float | None

    @classmethod
    def of(
        cls,
        spec: TargetSpec,
        drawn: Sequence[AnnotatedImage],
        found: Sequence[Sequence[LabelledBox]],
    ) -> "Validation":
        """By the boxes that were found on the images, with the spec's labels."""
        humans = [one.boxes for one in drawn]
        chosen = thresholds.chosen(humans, found, spec.labels)
        least = {label: chosen.get(label, USUAL_THRESHOLD) for label in spec.labels}
        return cls(least, frozenset(chosen), thresholds.f1(humans, found, least))

    @property
    def summary(self) -> str:
        """The thresholds for the run's log."""
        return ", ".join(
            f"{label} {value:.2f}" + ("" if label in self.chosen else " (the usual: no box found)")
            for label, value in self.thresholds.items()
        )

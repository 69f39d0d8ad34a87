"""A target's annotated training images, its thresholds by them, and the result of its training."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mlapi.domain import TargetSpec
from mlapi.images.features import SizedImage
from mlapi.label_types.geometry import FOUND_FROM, overlaps
from mlapi.label_types.labelled_box import LabelledBox
from mlapi.pipelines.object_detection.engines.candidates import LEAST_SCORE
from mlapi.pipelines.object_detection.model import USUAL_THRESHOLD, DetectedTarget
from registry.training_result import CandidateRow

Values = Sequence[Sequence[LabelledBox]]
_GREATEST_THRESHOLD = 0.95


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
        found: Values,
    ) -> "Validation":
        """By the boxes that were found on the images, with the spec's labels."""
        humans = [one.boxes for one in drawn]
        chosen = choose_thresholds(humans, found, spec.labels)
        least = {label: chosen.get(label, USUAL_THRESHOLD) for label in spec.labels}
        return cls(least, frozenset(chosen), f1_at(humans, found, least))

    @property
    def summary(self) -> str:
        """The thresholds for the run's log."""
        return ", ".join(
            f"{label} {value:.2f}" + ("" if label in self.chosen else " (the usual: no box found)")
            for label, value in self.thresholds.items()
        )


def choose_thresholds(humans: Values, found: Values, labels: Sequence[str]) -> dict[str, float]:
    """By label the threshold with the best F1 of its boxes; none without a right box."""
    ranked = {label: _ranked(humans, found, label) for label in labels}
    return {label: _best_threshold(*some) for label, some in ranked.items() if some[1].any()}


def f1_at(humans: Values, found: Values, thresholds: dict[str, float]) -> float | None:
    """The mean over labels of the F1 at their thresholds; None where no human drew any."""
    scores = []
    for label, least in thresholds.items():
        ranked, right, n = _ranked(humans, found, label)
        served = ranked >= least
        if n:
            scores.append(2 * right[served].sum() / (n + served.sum()))
    return float(np.mean(scores)) if scores else None


def _ranked(humans: Values, found: Values, label: str) -> tuple[np.ndarray, np.ndarray, int]:
    """The scores of all boxes of the label, best first, which are right, and the humans' number."""
    scores: list[float] = []
    right: list[bool] = []
    n = 0
    for human, boxes in zip(humans, found, strict=True):
        known = [box.place for box in human if box.label == label]
        own = sorted(
            (box for box in boxes if box.label == label), key=lambda box: -(box.score or 0)
        )
        n += len(known)
        scores += [box.score or 0.0 for box in own]
        right += _matched([box.place for box in own], known)
    order = np.argsort(-np.array(scores), kind="stable")
    return np.array(scores)[order], np.array(right, dtype=bool)[order], n


def _matched(own: Sequence, known: Sequence) -> list[bool]:
    """Whether each box, best first, has a human one of its own."""
    if not own or not known:
        return [False] * len(own)
    both = overlaps(own, known)
    matched = []
    for row in both:
        best = int(row.argmax())
        matched.append(bool(row[best] >= FOUND_FROM))
        if matched[-1]:
            both[:, best] = 0
    return matched


def _best_threshold(scores: np.ndarray, right: np.ndarray, n: int) -> float:
    f1 = 2 * np.cumsum(right) / (n + np.arange(1, len(scores) + 1))
    last = int(np.flatnonzero(f1 >= f1.max() - 1e-9)[-1])
    below = scores[last + 1] if last + 1 < len(scores) else LEAST_SCORE
    # Half way to what is left out.
    return float(np.clip((scores[last] + below) / 2, LEAST_SCORE, _GREATEST_THRESHOLD))

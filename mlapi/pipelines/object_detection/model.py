"""A version's detectors, one for each target, and what they answer for an image."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from mlapi.domain import InputError, Prediction, ScoredValue, TargetSpec
from mlapi.images.features import SizedImage
from mlapi.inputs import SizedImages
from mlapi.label_types.geometry import FOUND_FROM, from_pixels, overlaps
from mlapi.label_types.labelled_box import LabelledBox
from mlapi.pipelines.object_detection import attributes
from mlapi.pipelines.object_detection.engines.base import Box, Detector
from mlapi.pipelines.object_detection.engines.candidates import LEAST_SCORE
from mlapi.pipelines.parts import Parts, spec_parts

MOST_SERVED = 1_000  # boxes of an image
MOST_CANDIDATES = 100  # below their label's threshold, by which versions are compared
USUAL_THRESHOLD = 0.5  # of a label that none was chosen for


@dataclass(frozen=True)
class DetectedTarget:
    """What was learned for a target: the detector of the engine, and each label's threshold.

    `todays` are today's names of the labels that it calls otherwise.
    """

    spec: TargetSpec
    engine: str
    detector: Detector
    thresholds: Mapping[str, float]
    todays: Mapping[str, str] = field(default_factory=dict)

    def renamed(self, names: Mapping[str, Mapping[str, str]]) -> "DetectedTarget":
        return replace(
            self, spec=self.spec.renamed(names), todays=names.get(self.spec.name, self.todays)
        )

    def detect(self, image: SizedImage) -> tuple[LabelledBox, ...]:
        """The boxes with a score that is no mere trace, best first, in percent of the image."""
        height, width = image.pixels.shape[:2]
        found = (
            _labelled(box, width, height, image.size)
            for box in self.detector.detect(image.pixels)
            if box.score >= LEAST_SCORE
        )
        return tuple(box for box in found if box is not None)[:MOST_SERVED]

    def answer(self, spec: TargetSpec, boxes: Sequence[LabelledBox]) -> Prediction:
        """The prediction of today's target, candidates included."""
        names = self._names(spec, boxes)
        leasts = {learned: self._threshold(spec, learned, of) for learned, of in names.items()}
        scored = [box for box in boxes if box.label in names and box.score is not None]
        # Those that are served come first: no candidate takes the place of one.
        scored.sort(key=lambda box: (box.score or 0.0) < leasts[box.label])
        found = []
        for box in one_of_each_object(scored, names):
            score, least = box.score or 0.0, leasts[box.label]
            value = replace(box, label=names[box.label], score=None, candidate=score < least)
            found.append((ScoredValue(value, min(1.0, score)), least))
        regions = [region for region, _ in found]
        served = [region for region in regions if not region.value.candidate]
        candidates = [region for region in regions if region.value.candidate]
        best = max((region.score for region in candidates), default=0.0)
        score = min((region.score for region in served), default=1.0 - best)
        margins = (abs(region.score - least) / max(least, 1 - least) for region, least in found)
        return Prediction(
            spec.name,
            spec.kind,
            (*served, *candidates[:MOST_CANDIDATES]),
            score,
            min(margins, default=1.0),
        )

    def named(self, spec: TargetSpec, boxes: Sequence[LabelledBox]) -> list[LabelledBox]:
        """The boxes, each object once, with the labels of today's target."""
        return relabelled(boxes, self._names(spec, boxes))

    def _names(self, spec: TargetSpec, boxes: Sequence[LabelledBox]) -> dict[str, str]:
        """By the learned name of each box the label that it has today, if it has any."""
        names = attributes.names(spec)
        todays = {box.label: self.todays.get(box.label, box.label) for box in boxes}
        return {learned: names[today] for learned, today in todays.items() if today in names}

    def _threshold(self, spec: TargetSpec, learned: str, label: str) -> float:
        of_config = attributes.threshold(spec, label)
        if of_config is None:
            return self.thresholds.get(learned, USUAL_THRESHOLD)
        return max(LEAST_SCORE, of_config)

    def to_parts(self) -> dict[str, Any]:
        arrays = self.detector.arrays()
        from mlapi.pipelines.object_detection.engines import ENGINES

        return {
            "spec": spec_parts(self.spec),
            "needs": list(ENGINES[self.engine].needs),
            "engine": self.engine,
            "header": json.dumps(self.detector.header()).encode(),
            "array_names": list(arrays),
            "arrays": [{"array": array} for array in arrays.values()],
            "labels": list(self.thresholds),
            "thresholds": np.array([*self.thresholds.values()], dtype=float),
        }

    @classmethod
    def from_parts(cls, parts: Parts) -> "DetectedTarget":
        from mlapi.pipelines.object_detection.engines import ENGINES

        parts.require()
        name = parts.text("engine")
        engine = parts.one_of("engine", ENGINES)
        missing = engine.missing()
        if missing is not None:
            raise parts.wrong(f"the engine {name} cannot be used here: {missing}")
        names = parts.texts("array_names")
        arrays = [one.numbers("array") for one in parts.parts("arrays")]
        labels, thresholds = parts.texts("labels"), parts.array("thresholds", None).tolist()
        if len(names) != len(arrays) or len(labels) != len(thresholds):
            raise parts.wrong("each array has a name, and each threshold a label.")
        try:
            header = json.loads(parts.data("header"))
            detector = engine.restore(header, dict(zip(names, arrays, strict=True)))
        except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
            raise parts.wrong(f"it is no detector of {name}: {error}") from error
        return cls(parts.spec(), name, detector, dict(zip(labels, thresholds, strict=True)))

    @property
    def nbytes(self) -> int:
        return self.detector.nbytes


@dataclass(frozen=True)
class DetectionModel:
    """The detectors of a version's targets, and the images that they read."""

    input: SizedImages
    targets: Sequence[DetectedTarget]

    def renamed(self, names: Mapping[str, Mapping[str, str]]) -> "DetectionModel":
        """With other names of labels; the detectors are shared."""
        return replace(self, targets=[one.renamed(names) for one in self.targets])

    def found(self, image: SizedImage | InputError, number: int) -> str:
        """What a detector finds, as JSON: `{"size", "boxes"}`, or `{"code", "message"}` of what is
        no image. A number below 0 is of no detector.
        """
        if isinstance(image, InputError):
            return json.dumps({"code": image.code, "message": image.message})
        boxes = self.targets[number].detect(image) if number >= 0 else ()
        return json.dumps({"size": list(image.size), "boxes": [box.to_json() for box in boxes]})

    def to_parts(self) -> dict[str, Any]:
        return {
            "input": self.input.settings,
            "targets": [target.to_parts() for target in self.targets],
        }

    @classmethod
    def from_parts(cls, parts: Parts) -> "DetectionModel":
        settings = parts.settings("input", SizedImages.setting_names)
        if not settings["max_side"].isdecimal():
            raise parts.wrong("max_side is a number.")
        targets = [DetectedTarget.from_parts(part) for part in parts.parts("targets")]
        return cls(SizedImages().with_settings(settings), targets)

    @property
    def nbytes(self) -> int:
        return sum(target.nbytes for target in self.targets)


def one_of_each_object(boxes: Sequence[LabelledBox], names: Mapping[str, str]) -> list[LabelledBox]:
    """Those of the boxes, the first ones preferred, that lie over none of another learned name
    with the same label.

    `names` are the labels by learned names; boxes of others are left out. A detector suppresses
    only within each of its own names, and so finds an object once as a car and once as a truck.
    """
    named = [box for box in boxes if box.label in names]
    learned = {box.label for box in named}
    if len(learned) == len({names[name] for name in learned}):
        return named
    places = [box.place for box in named]
    own, labels = (
        np.array(column)
        for column in zip(*((box.label, names[box.label]) for box in named), strict=True)
    )
    rivals = (labels[:, None] == labels) & (own[:, None] != own)
    rivals &= overlaps(places, places) >= FOUND_FROM
    kept: list[int] = []
    for i in range(len(named)):
        if not rivals[i, kept].any():
            kept.append(i)
    return [named[i] for i in kept]


def relabelled(boxes: Sequence[LabelledBox], names: Mapping[str, str]) -> list[LabelledBox]:
    """Those of `one_of_each_object`, with the labels in place of the learned names."""
    return [replace(box, label=names[box.label]) for box in one_of_each_object(boxes, names)]


def _labelled(box: Box, width: int, height: int, size: tuple[int, int]) -> LabelledBox | None:
    """The part of a box that is in the image; None without an area there."""
    place = from_pixels(box.left, box.top, box.right, box.bottom, width, height)
    return None if place is None else LabelledBox(box.label, place, size, box.score)

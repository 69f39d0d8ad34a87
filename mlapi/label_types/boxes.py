"""Labelled boxes around the objects of an image: of RectangleLabels, or Rectangle with Labels."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from mlapi.domain import Prediction, ScoredValue, TargetSpec
from mlapi.label_types.base import Control, Evaluated, LabelType, Outline, Region, Score
from mlapi.label_types.geometry import Rectangle, hull, match
from mlapi.label_types.labelled_box import LabelledBox, Size
from registry.training_result import MetricRow

_UNKNOWN = (1.0, 1.0)  # of an annotation without its image's size: as if it were a square
Value = tuple[LabelledBox, ...]


class Boxes(LabelType[Value]):
    """A value is any number of boxes; none where there is no object.

    Boxes of several annotators that overlap by half are of one object. They agree on an object
    that more than half of them drew, on the label that most of those gave it, and on the mean of
    their places; exactly half is a tie. A prediction is correct if it has each object of the human,
    and no other.
    """

    name = "boxes"
    tags: ClassVar[tuple[str, ...]] = ("RectangleLabels", "Labels")
    shape = "boxes"
    several = True
    localized = True
    metric = "map_50"

    def fits(self, control: Control) -> bool:
        """Labels are those of boxes where a Rectangle draws on the same object."""
        if control.tag == "Labels":
            return "Rectangle" in control.drawn_by
        return super().fits(control)

    def read(self, regions: Sequence[Mapping[str, Any]], target: TargetSpec) -> Value | None:
        """Each box as its upright hull, cut to the image; one without an area there is none.

        None where none of the drawn boxes is left.
        """
        drawn = [region for region in regions if _labels_of(region, target)]
        found = [box for region in drawn for box in _boxes_of(region, target)]
        return None if drawn and not found else _in_order(found)

    def consensus(self, votes: Sequence[Value]) -> Value | None:
        if len(votes) == 1:
            return votes[0]
        agreed = []
        for drawn in _objects(votes):
            if 2 * len(drawn) == len(votes):
                return None
            if 2 * len(drawn) < len(votes):
                continue
            ranked = Counter(box.label for box in drawn).most_common(2)
            if len(ranked) == 2 and ranked[0][1] == ranked[1][1]:
                return None
            agreed.append(replace(drawn[0], label=ranked[0][0], place=_mean(drawn)))
        return _in_order(agreed)

    def value(self, regions: Sequence[ScoredValue]) -> Value:
        return tuple(replace(region.value, score=region.score) for region in regions)

    def prediction(
        self, target: str, value: Value, score: float, margin: float | None = None
    ) -> Prediction:
        """A region for each box."""
        regions = tuple(ScoredValue(box, score) for box in value)
        return Prediction(target, self.name, regions, score, margin)

    def write(self, regions: Sequence[ScoredValue], control: Control) -> list[Region] | None:
        if control.dynamic or not self.fits(control):
            return None
        if any(region.value.label not in control.labels for region in regions):
            return None
        return [
            one
            for region in regions
            if not region.value.candidate
            for one in _written(region.value, region.score, control)
        ]

    def classes(self, value: Value) -> list[str]:
        return sorted({box.label for box in served(value)})

    def renamed(self, value: Value, names: Mapping[str, str]) -> Value:
        return tuple(self.renamed_region(box, names) for box in value)

    def renamed_region(self, region: LabelledBox, names: Mapping[str, str]) -> LabelledBox:
        return replace(region, label=names.get(region.label, region.label))

    def to_json(self, value: Value) -> list[dict[str, Any]]:
        return [box.to_json() for box in value]

    def exported(self, value: Value) -> list[dict[str, Any]]:
        """Label, place in percent of the upright image, and score of each."""
        return [outline._asdict() for outline in self.outlines(value)]

    def from_json(self, stored: Any) -> Value | None:
        if not isinstance(stored, list):
            return None
        found = [LabelledBox.from_json(one) for one in stored]
        return None if None in found else tuple(box for box in found if box is not None)

    def agreement(self, predicted: Value, human: Value) -> float:
        """The F1 of the boxes that have their counterpart, with the same label."""
        drawn, known = served(predicted), served(human)
        if not drawn and not known:
            return 1.0
        return 2 * len(_of_one_label(drawn, known)) / (len(drawn) + len(known))

    def pairs(self, predicted: Value | None, human: Value) -> list[tuple[str, str]]:
        """The labels of each object, human and predicted; "" for background.

        First boxes of the same label are matched, then the others.
        """
        drawn, known = served(predicted or ()), served(human)
        pairs = _of_one_label(drawn, known)
        rest, lost = (
            [i for i in range(len(all_)) if i not in {pair[side] for pair in pairs}]
            for side, all_ in enumerate((drawn, known))
        )
        others = match([drawn[i].place for i in rest], [known[j].place for j in lost])
        pairs += [(rest[i], lost[j]) for i, j in others]
        alone = ({i for i, _ in pairs}, {j for _, j in pairs})
        return [
            *((known[j].label, drawn[i].label) for i, j in pairs),
            *(("", box.label) for i, box in enumerate(drawn) if i not in alone[0]),
            *((box.label, "") for j, box in enumerate(known) if j not in alone[1]),
        ]

    def outlines(self, value: Value) -> list[Outline]:
        return [Outline(box.label, *box.place, score=box.score) for box in served(value)]

    def metrics(self, evaluated: Evaluated[Value]) -> list[MetricRow]:
        from mlapi.label_types import detection_metrics

        found = detection_metrics.metrics(evaluated)
        pairs = [
            pair
            for predicted, human in zip(evaluated.predicted, evaluated.truth, strict=True)
            for pair in self.pairs(predicted, human)
        ]
        return [*found, *detection_metrics.by_label(pairs, evaluated.labels)]

    def scores(self, truth: Sequence[Value], predicted: Sequence[Value | None]) -> dict[str, Score]:
        from mlapi.label_types.detection_metrics import DetectionScores

        return {"map_50": DetectionScores(truth, predicted).map_50}


def served(value: Sequence[LabelledBox]) -> list[LabelledBox]:
    """The boxes that are no mere candidates."""
    return [box for box in value if not box.candidate]


def _labels_of(region: Mapping[str, Any], target: TargetSpec) -> list[str]:
    labels = region["value"].get(target.control_tag.lower())
    return [label for label in labels if isinstance(label, str)] if isinstance(labels, list) else []


def _boxes_of(region: Mapping[str, Any], target: TargetSpec) -> list[LabelledBox]:
    size = _size(region)
    place = hull(region["value"], size or _UNKNOWN)
    allowed = [label for label in _labels_of(region, target) if label in target.labels]
    return [] if place is None else [LabelledBox(label, place, size) for label in allowed]


def _size(region: Mapping[str, Any]) -> Size | None:
    sides = (region.get("original_width"), region.get("original_height"))
    width, height = (
        side if isinstance(side, int) and not isinstance(side, bool) and side > 0 else None
        for side in sides
    )
    return None if width is None or height is None else (width, height)


def _in_order(boxes: Sequence[LabelledBox]) -> Value:
    return tuple(sorted(boxes, key=lambda box: (box.place, box.label)))


def _objects(votes: Sequence[Value]) -> list[list[LabelledBox]]:
    """The boxes of all annotators by object, at most one of each; each compared with the first."""
    found: list[list[LabelledBox]] = []
    for vote in votes:
        pairs = match([drawn[0].place for drawn in found], [box.place for box in vote])
        new = set(range(len(vote)))
        for i, j in pairs:
            found[i].append(vote[j])
            new.remove(j)
        found += [[vote[j]] for j in sorted(new)]
    return found


def _mean(boxes: Sequence[LabelledBox]) -> Rectangle:
    places = [box.place for box in boxes]
    return Rectangle(*(round(sum(side) / len(places), 4) for side in zip(*places, strict=True)))


def _of_one_label(
    drawn: Sequence[LabelledBox], known: Sequence[LabelledBox]
) -> list[tuple[int, int]]:
    return match(
        [box.place for box in drawn],
        [box.place for box in known],
        lambda i, j: drawn[i].label == known[j].label,
    )


def _written(box: LabelledBox, score: float, control: Control) -> list[Region]:
    """A result of RectangleLabels; of Labels two with one id, the first of which is the shape."""
    place = {**box.place._asdict(), "rotation": 0}
    fields: dict[str, Any] = {"image_rotation": 0}
    if box.size is not None:
        fields = {"original_width": box.size[0], "original_height": box.size[1], **fields}
    kind = control.tag.lower()
    labelled = Region(kind, {**place, kind: [box.label]}, score, fields)
    if control.tag != "Labels":
        return [labelled]
    shape = Region("rectangle", place, score, fields, control=control.drawn_by["Rectangle"])
    return [shape, labelled._replace(same_id=True)]

"""Average precision of boxes by COCO's rules, and its mean under weights of the tasks.

pycocotools matches the boxes of each image. What it sums over images is summed here again, because
a bootstrap needs that sum for a thousand weights; with equal weights both are equal, which a test
holds.
"""

import contextlib
import io
import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from mlapi.label_types.base import Evaluated
from mlapi.label_types.label_metrics import row
from mlapi.label_types.labelled_box import LabelledBox
from registry.training_result import MetricRow

MOST = 1_000  # detections of an image; COCO's own 100 are too few for an image of 1,000 objects
OVERLAPS = np.linspace(0.5, 0.95, 10)
RECALLS = np.linspace(0.0, 1.0, 101)
_CURVE = range(0, 101, 5)  # the percent of recall at which the curve is stored
_AT_ONCE = 4_000_000  # numbers in memory
_EPSILON = np.spacing(1)

Values = Sequence[Sequence[LabelledBox]]


class DetectionScores:
    """A version's boxes beside the humans', as metrics of weighted tasks; None is no box.

    Each takes weights (rows, n) and gives (rows,), NaN where no human drew a box. Over the labels
    that humans drew.
    """

    def __init__(
        self,
        humans: Values,
        predicted: Sequence[Sequence[LabelledBox] | None],
        overlaps: np.ndarray = OVERLAPS[:1],
    ) -> None:
        self.labels = sorted({box.label for value in humans for box in value})
        self._overlaps = overlaps
        self._n = len(humans)
        known = set(self.labels)
        drawn = [[box for box in value or () if box.label in known] for value in predicted]
        self._matched = _matched(humans, drawn, self.labels, overlaps) if self.labels else []

    def map_50(self, weights: np.ndarray) -> np.ndarray:
        """The mean over labels of the average precision at the first of the overlaps."""
        if not self._matched:
            return np.full(len(weights), np.nan)
        return _mean_of_defined([one.average_precision(weights, 0) for one in self._matched])

    def average_precisions(self) -> np.ndarray:
        """(labels, overlaps) of all tasks."""
        each = np.ones((1, self._n))
        places = range(len(self._overlaps))
        return np.array(
            [[one.average_precision(each, t)[0] for t in places] for one in self._matched]
        )

    def precisions(self) -> np.ndarray:
        """(labels, 101): the precision by recall of all tasks, at the first of the overlaps."""
        return np.array([one.precisions(np.ones((1, self._n)), 0)[0] for one in self._matched])


class _Label:
    """The detections of a label, best first: their images, and whether each is right."""

    def __init__(
        self, humans: np.ndarray, images: np.ndarray, right: np.ndarray, counted: np.ndarray
    ) -> None:
        self._humans = humans  # (images,)
        self._images = images  # (detections,)
        self._right, self._counted = right, counted  # (overlaps, detections)

    def average_precision(self, weights: np.ndarray, overlap: int) -> np.ndarray:
        """(rows,), NaN where no human drew the label in a task with a weight."""
        return self.precisions(weights, overlap).mean(axis=1)

    def precisions(self, weights: np.ndarray, overlap: int) -> np.ndarray:
        """(rows, 101): the best precision at each recall or above; 0 where it is not reached."""
        rows = max(1, _AT_ONCE // max(1, len(self._images)))
        parts = [
            self._some(weights[i : i + rows], overlap) for i in range(0, max(1, len(weights)), rows)
        ]
        return np.concatenate(parts)

    def _some(self, weights: np.ndarray, overlap: int) -> np.ndarray:
        total = weights.astype(np.float64) @ self._humans
        found = np.zeros((len(weights), len(RECALLS)))
        found[total == 0] = np.nan
        if not len(self._images):
            return found
        of_each = weights[:, self._images].astype(np.float64)
        right = np.cumsum(of_each * self._right[overlap], axis=1)
        wrong = np.cumsum(of_each * (self._counted[overlap] & ~self._right[overlap]), axis=1)
        precision = right / (right + wrong + _EPSILON)
        precision = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
        for i in np.flatnonzero(total > 0):
            places = np.searchsorted(right[i] / total[i], RECALLS, side="left")
            reached = places < precision.shape[1]
            found[i, reached] = precision[i, places[reached]]
        return found


def _matched(
    humans: Values, predicted: Values, labels: Sequence[str], overlaps: np.ndarray
) -> list[_Label]:
    """What pycocotools matches in each image, by label."""
    number = {label: i for i, label in enumerate(labels, start=1)}
    with contextlib.redirect_stdout(io.StringIO()):  # it prints
        truth, found = _coco(humans, number), _coco(predicted, number)
        evaluation = COCOeval(truth, found, "bbox")
        evaluation.params.iouThrs = overlaps
        evaluation.params.maxDets = [MOST]
        evaluation.params.areaRng, evaluation.params.areaRngLbl = [[0, math.inf]], ["all"]
        evaluation.evaluate()
    n = len(humans)
    each = [evaluation.evalImgs[i * n : (i + 1) * n] for i in range(len(labels))]
    return [_of_label(images, len(overlaps)) for images in each]


def _of_label(images: Sequence[dict[str, Any] | None], overlaps: int) -> _Label:
    humans = np.array([0 if one is None else len(one["gtIds"]) for one in images], dtype=float)
    scores = [np.array([] if one is None else one["dtScores"]) for one in images]
    where = np.repeat(np.arange(len(images)), [len(some) for some in scores])
    none = np.zeros((overlaps, 0))
    matches = [none if one is None else one["dtMatches"] for one in images]
    ignored = [none if one is None else one["dtIgnore"] for one in images]
    order = np.argsort(-np.concatenate(scores), kind="mergesort") if len(where) else where
    counted = ~np.concatenate(ignored, axis=1).astype(bool)
    right = np.concatenate(matches, axis=1).astype(bool) & counted
    return _Label(humans, where[order], right[:, order], counted[:, order])


def _coco(values: Values, number: dict[str, int]) -> COCO:
    annotations = [
        {
            "id": 0,
            "image_id": image,
            "category_id": number[box.label],
            "bbox": list(box.place),
            "area": box.place.width * box.place.height,
            "iscrowd": 0,
            "score": 1.0 if box.score is None else box.score,
        }
        for image, value in enumerate(values)
        for box in value
        if box.label in number
    ]
    for i, one in enumerate(annotations, start=1):
        one["id"] = i
    coco = COCO()
    coco.dataset = {
        "images": [{"id": image} for image in range(len(values))],
        "annotations": annotations,
        "categories": [{"id": i, "name": label} for label, i in number.items()],
    }
    coco.createIndex()
    return coco


def _mean_of_defined(rows: Sequence[np.ndarray]) -> np.ndarray:
    """(rows,): the mean over labels; NaN where all are."""
    values = np.array(rows)
    defined = np.isfinite(values)
    count = defined.sum(axis=0)
    total = np.where(defined, values, 0).sum(axis=0)
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)


def metrics(evaluated: Evaluated[Any]) -> list[MetricRow]:
    """mAP of the target; of each label AP, and its precision by recall."""
    n = len(evaluated.truth)
    scores = DetectionScores(evaluated.truth, evaluated.predicted, OVERLAPS)
    if not scores.labels:
        return [row("map_50", None, n), row("map_50_95", None, n)]
    found = scores.average_precisions()
    rows = [
        row("map_50", float(found[:, 0].mean()), n),
        row("map_50_95", float(found.mean()), n),
    ]
    support = Counter(box.label for value in evaluated.truth for box in value)
    for label, own, curve in zip(scores.labels, found, scores.precisions(), strict=True):
        rows.append(row("ap_50", float(own[0]), support[label], label=label))
        rows += [
            row("precision_at_recall", float(curve[step]), support[label], label=label, step=step)
            for step in _CURVE
        ]
    return rows


def by_label(pairs: Sequence[tuple[str, str]], labels: Sequence[str]) -> list[MetricRow]:
    """Precision, recall and F1 of what is served, by the labels (human, predicted) of objects."""
    humans = Counter(human for human, _ in pairs if human)
    drawn = Counter(predicted for _, predicted in pairs if predicted)
    both = Counter(human for human, predicted in pairs if human == predicted)
    rows = []
    for label in dict.fromkeys([*labels, *sorted(humans | drawn)]):
        hits, n, m = both[label], humans[label], drawn[label]
        rows += [
            row("precision", hits / m if m else None, m, label=label),
            row("recall", hits / n if n else None, n, label=label),
            row("f1", 2 * hits / (n + m) if n + m else None, n, label=label),
            row("support", n, n, label=label),
        ]
    return rows

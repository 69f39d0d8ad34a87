"""Mean average precision of detected boxes by COCO's rules, as pycocotools computes it."""

import contextlib
import io
from collections.abc import Sequence

from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from mlapi.pipelines.object_detection.engines.base import Box, DetectionExample


def average_precisions(
    examples: Sequence[DetectionExample], found: Sequence[Sequence[Box]], labels: Sequence[str]
) -> dict[str, float]:
    """Each label's average precision at an IoU of 0.5; labels without a box are left out."""
    ids = {label: number for number, label in enumerate(labels, 1)}
    humans = [
        {**_row(box, image, ids), "id": 0, "area": _area(box), "iscrowd": 0}
        for image, example in enumerate(examples)
        for box in example.boxes
    ]
    for number, row in enumerate(humans, 1):
        row["id"] = number
    rows = [
        {**_row(box, image, ids), "score": box.score}
        for image, boxes in enumerate(found)
        for box in boxes
    ]
    if not rows:
        return dict.fromkeys({box.label for e in examples for box in e.boxes}, 0.0)
    truth = COCO()
    truth.dataset = {
        "info": {},
        "images": [{"id": image} for image in range(len(examples))],
        "categories": [{"id": number, "name": label} for label, number in ids.items()],
        "annotations": humans,
    }
    with contextlib.redirect_stdout(io.StringIO()):  # it prints its progress
        truth.createIndex()
        evaluation = COCOeval(truth, truth.loadRes(rows), "bbox")
        evaluation.params.iouThrs = evaluation.params.iouThrs[:1]
        evaluation.params.maxDets = [1, 10, 1000]
        evaluation.evaluate()
        evaluation.accumulate()
    precision = evaluation.eval["precision"][0, :, :, 0, 2]  # (recall, label)
    means = dict(zip(labels, precision.mean(axis=0).tolist(), strict=True))
    return {label: mean for label, mean in means.items() if mean >= 0}


def mean_average_precision(
    examples: Sequence[DetectionExample], found: Sequence[Sequence[Box]], labels: Sequence[str]
) -> float:
    """mAP@50."""
    means = average_precisions(examples, found, labels)
    return sum(means.values()) / len(means)


def _row(box: Box, image: int, ids: dict[str, int]) -> dict:
    return {
        "image_id": image,
        "category_id": ids[box.label],
        "bbox": [box.left, box.top, box.right - box.left, box.bottom - box.top],
    }


def _area(box: Box) -> float:
    return (box.right - box.left) * (box.bottom - box.top)

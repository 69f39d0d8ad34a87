"""Boxes as arrays of (n, 4): left, top, right, bottom, in pixels."""

from typing import Any, cast

import cv2
import numpy as np

_MOST_STEP = 2.0  # of a box's logarithmic width and height


def iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(n, m): intersection over union of each pair; 0 for boxes without an area."""
    width, height = (
        np.minimum.outer(a[:, 2 + axis], b[:, 2 + axis]) - np.maximum.outer(a[:, axis], b[:, axis])
        for axis in (0, 1)
    )
    shared = np.maximum(width, 0) * np.maximum(height, 0)
    union = areas(a)[:, None] + areas(b)[None] - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)


def areas(boxes: np.ndarray) -> np.ndarray:
    return np.maximum(boxes[:, 2:] - boxes[:, :2], 0).prod(axis=1)


def suppress(boxes: np.ndarray, scores: np.ndarray, most_iou: float, most: int) -> np.ndarray:
    """Greedy non-maximum suppression: the places of those that stay, best first."""
    order = np.argsort(-scores, kind="stable")
    corners = boxes[order].astype(np.float64)
    corners[:, 2:] -= corners[:, :2]
    ranks = np.arange(len(order), 0, -1, dtype=np.float32)  # OpenCV takes no score below 0
    # Arrays are sequences to OpenCV, and not to the types that it names.
    kept = cv2.dnn.NMSBoxes(cast(Any, corners), cast(Any, ranks), 0.0, most_iou)
    return order[np.array(kept, np.int64)[:most]]


def offsets(boxes: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """(n, 4): from each box to its target, as Girshick and others (2014) parametrise it."""
    sides, target_sides = boxes[:, 2:] - boxes[:, :2], targets[:, 2:] - targets[:, :2]
    moved = (targets[:, :2] + targets[:, 2:] - boxes[:, :2] - boxes[:, 2:]) / 2 / sides
    return np.concatenate([moved, np.log(target_sides / sides)], axis=1)


def moved(boxes: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """The boxes that `offsets` leads to."""
    sides = boxes[:, 2:] - boxes[:, :2]
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2 + steps[:, :2] * sides
    half = sides * np.exp(np.clip(steps[:, 2:], -_MOST_STEP, _MOST_STEP)) / 2
    return np.concatenate([centres - half, centres + half], axis=1)


def within(boxes: np.ndarray, width: float, height: float) -> np.ndarray:
    """The parts of the boxes that lie in an image of that size."""
    return np.clip(boxes, 0, np.array([width, height, width, height], boxes.dtype))

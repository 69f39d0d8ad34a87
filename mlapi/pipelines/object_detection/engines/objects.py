"""Examples as arrays: an image, the boxes of its objects, and the numbers of their labels."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mlapi.pipelines.object_detection.engines.base import DetectionExample


@dataclass(frozen=True)
class Objects:
    """An image with its objects: (n, 4) boxes, and the numbers of their labels."""

    image: np.ndarray
    boxes: np.ndarray
    labels: np.ndarray


def arrays(example: DetectionExample, labels: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """(n, 4): the example's boxes of these labels as they are; and (n,) the labels' numbers."""
    numbers = {label: number for number, label in enumerate(labels)}
    known = [box for box in example.boxes if box.label in numbers]
    boxes = np.array([(b.left, b.top, b.right, b.bottom) for b in known], np.float64)
    return boxes.reshape(-1, 4), np.array([numbers[b.label] for b in known], int)
